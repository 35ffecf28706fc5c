"""The names of classes inside an ONNX file.

ONNX Runtime does not show the attributes of nodes, and the `onnx` package stays out of the function. So the
attribute `classlabels_strings` of LinearClassifier, TreeEnsembleClassifier, SVMClassifier and ZipMap is
looked up in the file itself: its name as protobuf writes it, then one field for each class, in their order.

Types of an ONNX model in the terms of the protocol.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path

import onnxruntime

from triptych.errors import NotSupported
from triptych.protocol.datatypes import BF16, BY_ONNX, BYTES
from triptych.protocol.tensors import FREE, Signature, TensorSpec

_NAME = b"\x0a\x13classlabels_strings"  # AttributeProto.name (1), of 19 bytes
_STRING = 0x4A  # AttributeProto.strings (9), with its length before it


def with_labels(signature: Signature, model: Path) -> Signature:
    """Labels the scores of a classifier whose classes are strings.

    Args:
        signature: What the model takes and gives.
        model: The `.onnx` file.

    Returns:
        The signature. Its only output of numbers of shape `[rows, classes]` has the classes as labels; where
        the file names none, or different ones, it is as before.
    """
    if all(spec.datatype is not BYTES for spec in signature.outputs):
        return signature  # such a classifier gives the class itself as well
    classes = _classes(model)
    scores = [
        spec
        for spec in signature.outputs
        if spec.datatype.kind == "float" and spec.shape is not None and spec.shape[1:] == (len(classes),)
    ]
    if len(scores) != 1:
        return signature
    outputs = (spec._replace(labels=classes) if spec is scores[0] else spec for spec in signature.outputs)
    return signature._replace(outputs=tuple(outputs))


def _classes(model: Path) -> tuple[str, ...]:
    found: set[tuple[str, ...]] = set()
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as graph:
        at = graph.find(_NAME)
        while at >= 0:
            at += len(_NAME)
            found.add(tuple(_strings(graph, at)))
            at = graph.find(_NAME, at)
    return found.pop() if len(found) == 1 else ()


def _strings(graph: mmap.mmap, at: int) -> list[str]:
    strings: list[str] = []
    while at < len(graph) and graph[at] == _STRING:
        at, length = _varint(graph, at + 1)
        strings.append(graph[at : at + length].decode(errors="replace"))
        at += length
    return strings


def _varint(graph: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while graph[at] > 0x7F:
        value |= (graph[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return at + 1, value | graph[at] << shift


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
