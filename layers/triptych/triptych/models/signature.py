"""The signature of an ONNX model: what ONNX Runtime and the file itself say of its inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from triptych.errors import NotSupported
from triptych.models.graph_file import Classes, classes_in
from triptych.protocol.datatypes import BF16, BY_ONNX, BYTES, FP32
from triptych.protocol.tensors import FREE, Signature, TensorSpec

CLASS_OF_MAP: dict[str, Callable[[str], str | int]] = {
    "seq(map(string,tensor(float)))": str,
    "seq(map(int64,tensor(float)))": int,
}
"""Types of the outputs of ZipMap, a map from class to score for each row: how a class is read from its label.

Exports of scikit-learn and LightGBM have one by default. Triptych serves it as a tensor of scores.
"""


class Argument(NamedTuple):
    """An input or output as ONNX Runtime describes it.

    Attributes:
        name: Its name.
        type: Its type, such as `tensor(float)`.
        shape: Its dimensions, integers where they are fixed; none for a scalar and for an open rank.
    """

    name: str
    type: str
    shape: Sequence[int | str | None]


def signature_of(inputs: Sequence[Argument], outputs: Sequence[Argument], model: Path) -> Signature:
    """Returns the signature of an open model.

    Args:
        inputs: Its inputs.
        outputs: Its outputs.
        model: Its `.onnx` file.

    Returns:
        The signature. The scores of a classifier have its classes as labels: those of a ZipMap always, a
        tensor of scores where the classes are strings and only one output can be meant.

    Raises:
        NotSupported: The model uses types that the protocol cannot carry.
    """
    classes = classes_in(model) if any(map(_may_have_classes, outputs)) else []
    read = tuple(_spec("input", argument) for argument in inputs)
    given = tuple(_output(argument, classes) for argument in outputs)
    _check_bf16(read, given)
    return Signature(read, _labelled(given, classes))


def _may_have_classes(argument: Argument) -> bool:
    return argument.type in CLASS_OF_MAP or argument.type == BYTES.onnx or argument.shape == [1]


def _output(argument: Argument, classes: Sequence[Classes]) -> TensorSpec:
    if argument.type not in CLASS_OF_MAP:
        spec = _spec("output", argument)
        # The exporter of LightGBM declares one label, whatever the number of rows.
        return spec._replace(shape=(FREE,)) if classes and spec.shape == (1,) else spec
    labels = next((found.labels for found in classes if found.output == argument.name), ())
    if not labels:
        raise NotSupported(
            f"output {argument.name!r} of the model is {argument.type}, and its file does not name the "
            "classes; export it so that it gives tensors: scikit-learn with to_onnx(..., "
            "options={'zipmap': False}), LightGBM with convert_lightgbm(..., zipmap=False)"
        )
    return TensorSpec(argument.name, FP32, (FREE, len(labels)), labels)


def _spec(role: str, argument: Argument) -> TensorSpec:
    datatype = BY_ONNX.get(argument.type)
    if datatype is None:
        raise NotSupported(
            f"{role} {argument.name!r} of the model is {argument.type}, which the protocol cannot carry; "
            "only tensors of BOOL, 8 to 64 bit integers, FP16, BF16, FP32, FP64 and strings are served"
        )
    shape = tuple(size if isinstance(size, int) else FREE for size in argument.shape) or None
    return TensorSpec(argument.name, datatype, shape)


def _check_bf16(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> None:
    if any(spec.datatype is BF16 for spec in (*inputs, *outputs)):
        for spec in inputs:
            if spec.datatype is BYTES:
                raise NotSupported(
                    f"input {spec.name!r} of the model is strings, and another tensor is BF16: "
                    "ONNX Runtime for Python cannot pass both"
                )


def _labelled(outputs: tuple[TensorSpec, ...], classes: Sequence[Classes]) -> tuple[TensorSpec, ...]:
    """Labels the only output that can be the scores of the only classes which are strings."""
    lists = {found.labels for found in classes if found.are_strings}
    if len(lists) != 1:
        return outputs
    labels = lists.pop()
    scores = [
        spec
        for spec in outputs
        if spec.datatype.kind == "float" and spec.shape is not None and spec.shape[1:] == (len(labels),)
    ]
    if len(scores) != 1:
        return outputs
    return tuple(spec._replace(labels=labels) if spec is scores[0] else spec for spec in outputs)
