"""Types of an ONNX model in the terms of the protocol."""

from __future__ import annotations

from collections.abc import Sequence

import onnxruntime

from triptych.errors import NotSupported
from triptych.protocol.datatypes import BY_ONNX
from triptych.tensors.signature import FREE, Signature, TensorSpec


def signature_of(session: onnxruntime.InferenceSession) -> Signature:
    """Reads what a model takes and gives.

    Raises:
        NotSupported: An input or output has no datatype in the protocol.
    """
    return Signature(_specs("input", session.get_inputs()), _specs("output", session.get_outputs()))


def _specs(role: str, arguments: Sequence[onnxruntime.NodeArg]) -> tuple[TensorSpec, ...]:
    return tuple(_spec(role, argument) for argument in arguments)


def _spec(role: str, argument: onnxruntime.NodeArg) -> TensorSpec:
    datatype = BY_ONNX.get(argument.type)
    if datatype is None:
        raise NotSupported(
            f"{role} {argument.name!r} of the model is {argument.type}, which the protocol cannot carry"
            f"{_advice(argument.type)}"
        )
    # ONNX Runtime gives no dimensions both for a scalar and for an open rank.
    shape = tuple(size if isinstance(size, int) else FREE for size in argument.shape) or None
    return TensorSpec(argument.name, datatype, shape)


def _advice(onnx_type: str) -> str:
    if onnx_type.startswith(("seq(map", "map")):
        return "; export the model with zipmap=False to get tensors"
    return "; only tensors of BOOL, 8 to 64 bit integers, FP16, BF16, FP32, FP64 and strings are served"
