"""A model that ONNX Runtime runs: options, runs within their time, and what failures say.

This is the only module that imports ONNX Runtime.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, override

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, ModelUnavailable, PayloadTooLarge
from triptych.models.config import SessionSettings
from triptych.models.graph_file import has_external_weights, quantizes_as_it_runs
from triptych.models.model import GraphSession
from triptych.models.signature import CLASS_OF_MAP, Argument, signature_of
from triptych.models.watchdog import WATCHDOG
from triptych.protocol.datatypes import BF16, FP32, Datatype
from triptych.protocol.tensors import Array, Signature, Tensor

FAILURES: tuple[type[Exception], ...] = (
    *(kind for kind in vars(runtime).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    RuntimeError,
    ValueError,
    TypeError,
    UnicodeError,
)
"""What opening or running a model raises. The classes share no base but Exception."""

_FATAL = 4  # log level: failures come as exceptions; lines on stderr would repeat them without a request id
_BFLOAT16 = 16  # TensorProto.BFLOAT16
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
    return OnnxSession(model, settings)


def _opened(model: Path, settings: SessionSettings) -> onnxruntime.InferenceSession:
    try:
        return onnxruntime.InferenceSession(
            model, _session_options(model, settings), providers=["CPUExecutionProvider"]
        )
    except FAILURES as error:
        message = f"the model cannot be opened: {_reason(error, model.parent)}"
        if _is_cut(error):
            message += f" {model.name} has {model.stat().st_size} bytes: is the upload complete, and ONNX?"
        raise ModelUnavailable(message) from error


def _session_options(model: Path, settings: SessionSettings) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    # The default counts the machine's processors, not the function's share of them.
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    # Memory patterns are planned per input shape: with free shapes they are made for nothing.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = settings.arena
    if settings.weights == "mapped" and has_external_weights(model):
        # Prepacking copies weights into memory; without it they stay in the mapped file.
        options.add_session_config_entry("session.disable_prepacking", "1")
    return options


class OnnxSession(GraphSession):
    """An open model.

    Args:
        model: The `.onnx` file.
        settings: How it is to be run.

    Attributes:
        signature: Inputs and outputs of the model.
        metadata: What its exporter wrote into the file, by name.
    """

    def __init__(self, model: Path, settings: SessionSettings) -> None:
        session = _opened(model, settings)
        inputs, outputs = _arguments(session.get_inputs()), _arguments(session.get_outputs())
        self.signature: Signature = signature_of(inputs, outputs, model)
        self.metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
        self._model = model
        self._open = partial(_opened, model, settings)
        self._session: onnxruntime.InferenceSession | None = session
        self._arena = settings.arena
        self._types = {spec.name: spec.datatype for spec in self.signature.outputs}
        self._plain = BF16 not in (spec.datatype for side in self.signature[:2] for spec in side)
        self._scores_of = {
            spec.name: itemgetter(*map(CLASS_OF_MAP[argument.type], spec.labels))
            for spec, argument in zip(self.signature.outputs, outputs, strict=True)
            if argument.type in CLASS_OF_MAP
        }

    @property
    @override
    def quantizes_as_it_runs(self) -> bool:
        return quantizes_as_it_runs(self._model)

    @override
    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        deadline.check("waiting for the model")
        options = onnxruntime.RunOptions()
        options.log_severity_level = _FATAL
        # `terminate` is the only way to stop a run.
        with WATCHDOG.guard(deadline, partial(setattr, options, "terminate", True)):
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
                if _NO_MEMORY.search(str(error)):
                    # Its arena would go on asking for as much as was refused, for requests of any size.
                    self._session = None
                    raise PayloadTooLarge(
                        "the model needs more memory for these inputs than there is; send less at once"
                    ) from None
                raise BadRequest(f"the model cannot run on these inputs: {_reason(error)}") from error

    def _run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], options: onnxruntime.RunOptions
    ) -> dict[str, Tensor]:
        session = self._session = self._session or self._open()
        if self._plain:
            arrays = session.run(outputs, {name: tensor.values for name, tensor in inputs.items()}, options)
            if self._scores_of:
                arrays = [self._array_of(name, result) for name, result in zip(outputs, arrays, strict=True)]
        else:
            feed = {name: _ort_value(tensor) for name, tensor in inputs.items()}
            results = session.run_with_ort_values(list(outputs), feed, options)
            arrays = [_array(value, self._types[name]) for name, value in zip(outputs, results, strict=True)]
        return {name: Tensor(self._types[name], values) for name, values in zip(outputs, arrays, strict=True)}

    def _array_of(self, name: str, result: Any) -> Array:  # noqa: ANN401 - as ONNX Runtime returns it
        """Returns the result for an output; the maps of a ZipMap, one for each row, as `[rows, classes]`."""
        if name in self._scores_of:
            classes = len(self.signature.output_named(name).labels)
            return np.array([*map(self._scores_of[name], result)], FP32.storage).reshape(-1, classes)
        array: Array = result
        return array


def _arguments(found: Sequence[onnxruntime.NodeArg]) -> list[Argument]:
    return [Argument(argument.name, argument.type, argument.shape) for argument in found]


def _ort_value(tensor: Tensor) -> onnxruntime.OrtValue:
    # NumPy has no BF16: its 16 bits go in and out as integers.
    values = np.ascontiguousarray(tensor.values).reshape(tensor.shape)
    if tensor.datatype is BF16:
        return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(values, _BFLOAT16)
    return onnxruntime.OrtValue.ortvalue_from_numpy(values)


def _array(value: onnxruntime.OrtValue, datatype: Datatype) -> Array:
    if datatype is not BF16:
        return value.numpy()
    shape = tuple(value.shape())
    size = int(np.prod(shape, dtype=np.int64)) * BF16.size
    return np.frombuffer(ctypes.string_at(value.data_ptr(), size), dtype=BF16.storage).reshape(shape)


_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_SOURCE_PATH = re.compile(r"(?:/[\w.+-]+){2,}(?::\d+)?")
_MAX_LENGTH = 500
_CUT = re.compile("Protobuf parsing failed|No graph was found|can not be read in full")
_NO_MEMORY = re.compile("bad_alloc|Failed to allocate memory|Available memory of")


def _is_cut(error: Exception) -> bool:
    return _CUT.search(str(error)) is not None


def _reason(error: Exception, directory: Path | None = None) -> str:
    """Returns the message of an exception without paths.

    Args:
        error: What ONNX Runtime raised.
        directory: Where the model lies; file names in it lose it.
    """
    text = _PREFIX.sub("", str(error)).strip()
    if directory is not None:
        text = text.replace(f"{directory}/", "")
    return " ".join(_SOURCE_PATH.sub("", text).split())[:_MAX_LENGTH]
