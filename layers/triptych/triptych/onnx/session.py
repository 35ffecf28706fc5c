"""A model that ONNX Runtime runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import onnxruntime

from triptych.errors import BadRequest, DeadlineExceeded, ModelUnavailable, PayloadTooLarge
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.settings import SessionSettings
from triptych.onnx import bfloat16
from triptych.onnx.classes import with_labels
from triptych.onnx.failures import FAILURES, is_cut, is_out_of_memory, reason
from triptych.onnx.options import session_options
from triptych.onnx.types import signature_of
from triptych.onnx.watchdog import Watchdog
from triptych.protocol.datatypes import BF16
from triptych.tensors.signature import Signature
from triptych.tensors.tensor import Tensor

_WATCHDOG = Watchdog()
_LARGE = 64 * 2**10
"""Bytes of inputs from which the memory of a run is given back: it may have taken thousands of times as
much, which would be missing ever after. Giving it back costs 20 µs and more."""


def open_session(model: Path, settings: SessionSettings) -> OnnxSession:
    """Opens the model in a file.

    Args:
        model: The `.onnx` file; external weights lie beside it.
        settings: How it is to be run.

    Raises:
        NotSupported: The model uses types that the protocol cannot carry.
        ModelUnavailable: The file is not a model that can be run.
    """
    session = OnnxSession(lambda: _opened(model, settings), arena=settings.arena)
    session.signature = with_labels(session.signature, model)
    return session


def _opened(model: Path, settings: SessionSettings) -> onnxruntime.InferenceSession:
    try:
        return onnxruntime.InferenceSession(
            model, session_options(model, settings), providers=["CPUExecutionProvider"]
        )
    except FAILURES as error:
        told = f"the model cannot be opened: {reason(error, model.parent)}"
        if is_cut(error):
            told += f" {model.name} has {model.stat().st_size} bytes: is the upload complete, and ONNX?"
        raise ModelUnavailable(told) from error


class OnnxSession:
    """An open model.

    Args:
        opener: Opens the session: now, and again after a run that got no memory.
        arena: Whether the session keeps memory between runs.

    Attributes:
        signature: What the model takes and gives.
    """

    def __init__(self, opener: Callable[[], onnxruntime.InferenceSession], *, arena: bool) -> None:
        session = opener()
        signature = signature_of(session)
        self.signature: Signature = signature
        self._opener = opener
        self._session: onnxruntime.InferenceSession | None = session
        self._arena = arena
        self._types = {spec.name: spec.datatype for spec in signature.outputs}
        self._plain = all(spec.datatype is not BF16 for spec in (*signature.inputs, *signature.outputs))

    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        """Runs the model once.

        Args:
            inputs: A tensor for every input, already checked against the signature.
            outputs: Names of the outputs that are wanted, in the order wanted.
            deadline: When the run must have ended.

        Returns:
            The wanted outputs by name.

        Raises:
            BadRequest: The model refuses these values.
            DeadlineExceeded: The run was stopped because its time was up.
            ModelUnavailable: The model had to be opened again, and cannot be.
            PayloadTooLarge: The run needs more memory than there is.
        """
        deadline.check("waiting for the model")
        with _WATCHDOG.guard(deadline) as options:
            if self._arena and sum(tensor.values.nbytes for tensor in inputs.values()) >= _LARGE:
                options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
            try:
                return self._run(inputs, outputs, options)
            except FAILURES as error:
                if options.terminate:
                    raise DeadlineExceeded(
                        "the model did not answer in time; send less at once, or ask for a job: "
                        "POST /v2/models/{model}/jobs"
                    ) from None
                if is_out_of_memory(error):
                    # Its arena would go on asking for as much as was refused, for requests of any size.
                    self._session = None
                    raise PayloadTooLarge(
                        "the model needs more memory for these inputs than there is; send less at once"
                    ) from None
                raise BadRequest(f"the model cannot run on these inputs: {reason(error)}") from error

    def _run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], options: onnxruntime.RunOptions
    ) -> dict[str, Tensor]:
        session = self._session = self._session or self._opener()
        if not self._plain:
            return bfloat16.run(session, inputs, {name: self._types[name] for name in outputs}, options)
        feed = {name: tensor.values for name, tensor in inputs.items()}
        arrays = session.run(outputs, feed, options)
        return {name: Tensor(self._types[name], values) for name, values in zip(outputs, arrays, strict=True)}
