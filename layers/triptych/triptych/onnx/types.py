"""Types of an ONNX model in the terms of the protocol."""

from __future__ import annotations

from collections.abc import Sequence

import onnxruntime

from triptych.errors import NotSupported
from triptych.protocol.datatypes import BF16, BY_ONNX, BYTES
from triptych.tensors.signature import FREE, Signature, TensorSpec


def signature_of(session: onnxruntime.InferenceSession) -> Signature:
    """Reads what a model takes and gives.

    Raises:
        NotSupported: An input or output has no datatype in the protocol, or they do not go together.
    """
    inputs = _specs("input", session.get_inputs())
    outputs = _specs("output", session.get_outputs())
    if any(spec.datatype is BF16 for spec in inputs + outputs):
        for spec in inputs:
            if spec.datatype is BYTES:
                raise NotSupported(
                    f"input {spec.name!r} of the model is strings, and another tensor is BF16: "
                    "ONNX Runtime for Python cannot pass both"
                )
    return Signature(inputs, outputs)


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
        return (
            "; export it so that it gives tensors: scikit-learn with to_onnx(..., "
            "options={'zipmap': False}), LightGBM and XGBoost with convert_...(..., zipmap=False)"
        )
    return "; only tensors of BOOL, 8 to 64 bit integers, FP16, BF16, FP32, FP64 and strings are served"
