"""Session options: how ONNX Runtime is told to run a model.

ONNX Runtime's exceptions, and what of their messages a caller may read.

Stops runs of a model when their time is up.

`RunOptions.terminate` is the only way to stop a run. One thread watches all runs: starting a
timer for each would cost several times what a small model takes, a shared one costs a dictionary entry.

A model that ONNX Runtime runs.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, ModelUnavailable, PayloadTooLarge
from triptych.models import bfloat16
from triptych.models.config import SessionSettings
from triptych.models.signature import signature_of, with_labels
from triptych.protocol.datatypes import BF16
from triptych.protocol.tensors import Signature, Tensor

_FATAL = 4  # failures come as exceptions; lines on stderr would repeat them without a request id


def session_options(model: Path, settings: SessionSettings) -> onnxruntime.SessionOptions:
    """Makes the options for one model.

    Args:
        model: The `.onnx` file; any file beside it is taken for external weights.
        settings: Threads, weights and memory.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    # The default counts the machine's processors, not the function's share of them.
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    # Memory patterns are planned per input shape: with free shapes they are made for nothing.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = settings.arena
    if settings.weights == "mapped" and _has_external_weights(model):
        # Prepacking copies weights into memory; without it they stay in the mapped file.
        options.add_session_config_entry("session.disable_prepacking", "1")
    return options


def _has_external_weights(model: Path) -> bool:
    return any(file != model for file in model.parent.iterdir())


FAILURES: tuple[type[Exception], ...] = (
    *(kind for kind in vars(runtime).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    RuntimeError,
    ValueError,
    TypeError,
    UnicodeError,
)
"""What opening or running a model raises. The classes share no base but Exception."""

_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_SOURCE_PATH = re.compile(r"(?:/[\w.+-]+){2,}(?::\d+)?")
_MAX_LENGTH = 500
_CUT = re.compile("Protobuf parsing failed|No graph was found|can not be read in full")
_NO_MEMORY = re.compile("bad_alloc|Failed to allocate memory|Available memory of")


def is_out_of_memory(error: Exception) -> bool:
    """Tells whether a model failed because it got no more memory."""
    return _NO_MEMORY.search(str(error)) is not None


def is_cut(error: Exception) -> bool:
    """Tells whether a model failed to open because a file is cut short, or is no model."""
    return _CUT.search(str(error)) is not None


def reason(error: Exception, directory: Path | None = None) -> str:
    """Gives the message of an exception without paths.

    Args:
        error: What ONNX Runtime raised.
        directory: Where the model lies; file names in it lose it.
    """
    text = _PREFIX.sub("", str(error)).strip()
    if directory is not None:
        text = text.replace(f"{directory}/", "")
    return " ".join(_SOURCE_PATH.sub("", text).split())[:_MAX_LENGTH]


_INTERVAL = 0.05  # seconds; a run may overstay its deadline by this much


class Watchdog:
    """Watches the runs that are going on."""

    def __init__(self) -> None:
        self._runs: dict[int, tuple[onnxruntime.RunOptions, Deadline]] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def guard(self, deadline: Deadline) -> Generator[onnxruntime.RunOptions]:
        """Gives the options for one run, which ends the run when the deadline passes."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="onnx-watchdog", daemon=True)
            self._thread.start()
        options = onnxruntime.RunOptions()
        options.log_severity_level = 4
        self._runs[id(options)] = (options, deadline)
        try:
            yield options
        finally:
            del self._runs[id(options)]

    def _watch(self) -> None:
        while True:
            time.sleep(_INTERVAL)
            for options, deadline in tuple(self._runs.values()):
                if deadline.remaining <= 0:
                    options.terminate = True


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
