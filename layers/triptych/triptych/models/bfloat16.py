"""Runs of models with BF16 tensors, which NumPy cannot hold: their 16 bits go in and out as integers."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

import numpy as np
import onnxruntime

from triptych.protocol.datatypes import BF16, Datatype
from triptych.protocol.tensors import Array, Tensor

_ONNX_BFLOAT16 = 16  # TensorProto.BFLOAT16


def run(
    session: onnxruntime.InferenceSession,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Datatype],
    options: onnxruntime.RunOptions,
) -> dict[str, Tensor]:
    """Runs a model of which some tensors are BF16.

    Args:
        session: The open model.
        inputs: A tensor for every input.
        outputs: Datatypes of the wanted outputs by name.
        options: Options of this run.
    """
    feed = {name: _value(tensor) for name, tensor in inputs.items()}
    values = session.run_with_ort_values(list(outputs), feed, options)
    return {
        name: Tensor(datatype, _bits(value) if datatype is BF16 else value.numpy())
        for (name, datatype), value in zip(outputs.items(), values, strict=True)
    }


def _value(tensor: Tensor) -> onnxruntime.OrtValue:
    values = np.ascontiguousarray(tensor.values).reshape(tensor.shape)
    if tensor.datatype is BF16:
        return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(values, _ONNX_BFLOAT16)
    return onnxruntime.OrtValue.ortvalue_from_numpy(values)


def _bits(value: onnxruntime.OrtValue) -> Array:
    shape = tuple(value.shape())
    size = int(np.prod(shape, dtype=np.int64)) * BF16.size
    return np.frombuffer(ctypes.string_at(value.data_ptr(), size), dtype=BF16.storage).reshape(shape)
