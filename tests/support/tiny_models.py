"""Models that are small enough to read: one or two operators each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper
from onnx.numpy_helper import from_array
from triptych.protocol.tensors import Array

from tests.support.identity_models import ONNX_TYPES

type Shape = Sequence[str | int] | None
type Tensors = Mapping[str, tuple[str, Shape]]
"""Datatype in the protocol, and shape, by name."""


def model(nodes: Sequence[NodeProto], inputs: Tensors, outputs: Tensors, **weights: Array) -> bytes:
    """Makes a model.

    Args:
        nodes: What it computes.
        inputs: What it takes.
        outputs: What it gives.
        weights: Constants by name.

    Returns:
        The content of an `.onnx` file.
    """
    made = helper.make_model(
        _graph(nodes, inputs, outputs, **weights),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    return bytes(made.SerializeToString())


def identity(datatype: str, shape: Shape) -> bytes:
    """Returns `x` as `y`."""
    tensor = (datatype, shape)
    return model([helper.make_node("Identity", ["x"], ["y"])], {"x": tensor}, {"y": tensor})


def sum_and_difference() -> bytes:
    """Returns `sum` and `difference` of `a` and `b`, both FP32 of shape [rows, 2]."""
    pair: tuple[str, Shape] = ("FP32", ["rows", 2])
    return model(
        [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Sub", ["a", "b"], ["difference"])],
        {"a": pair, "b": pair},
        {"sum": pair, "difference": pair},
    )


def lookup() -> bytes:
    """Returns the entries of a table of three at the indices `index`; any other index fails when it runs."""
    return model(
        [helper.make_node("Gather", ["table", "index"], ["entry"])],
        {"index": ("INT64", ["n"])},
        {"entry": ("FP32", ["n"])},
        table=np.array([0.5, 1.5, 2.5], dtype=np.float32),
    )


def pairs() -> bytes:
    """Returns `x` as two columns; an odd number of elements fails when it runs."""
    return model(
        [helper.make_node("Reshape", ["x", "columns"], ["y"])],
        {"x": ("FP32", ["n"])},
        {"y": ("FP32", ["rows", 2])},
        columns=np.array([-1, 2]),
    )


def zeros() -> bytes:
    """Returns as many zeros as the only element of `n` says."""
    return model(
        [helper.make_node("ConstantOfShape", ["n"], ["zeros"])],
        {"n": ("INT64", [1])},
        {"zeros": ("FP32", ["n"])},
    )


def counter() -> bytes:
    """Counts to `n` one by one, which takes for ever when `n` is large."""
    state: Tensors = {"go": ("BOOL", []), "count": ("FP32", [])}
    body = _graph(
        [
            helper.make_node("Identity", ["go"], ["still"]),
            helper.make_node("Add", ["count", "one"], ["next"]),
        ],
        {"step": ("INT64", []), **state},
        {"still": state["go"], "next": state["count"]},
        one=np.array(1, dtype=np.float32),
    )
    return model(
        [helper.make_node("Loop", ["n", "", "zero"], ["counted"], body=body)],
        {"n": ("INT64", [])},
        {"counted": ("FP32", [])},
        zero=np.array(0, dtype=np.float32),
    )


def sequence() -> bytes:
    """Returns a sequence of tensors, which the protocol cannot carry."""
    graph = helper.make_graph(
        [helper.make_node("SequenceConstruct", ["x"], ["y"])],
        "sequence",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, [1])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(made.SerializeToString())


def classifier(
    *classes: str | int, zipmap: bool = False, twice: bool = False, rows: str | int = "n"
) -> bytes:
    """Returns the class of the largest entry of `x` as `label`, and the entries as `scores`.

    Args:
        classes: The classes, in the order of the entries; all strings or all integers.
        zipmap: Whether `scores` is a sequence of maps from class to score, as exporters have it by default.
        twice: Whether `more` gives the scores once again.
        rows: How many labels the graph declares; LightGBM's exporter writes 1.
    """
    size = len(classes)
    strings = isinstance(classes[0], str)
    named: dict[str, Any] = {"classlabels_strings" if strings else "classlabels_ints": classes}
    mapped: dict[str, Any] = {"classlabels_strings" if strings else "classlabels_int64s": classes}
    nodes = [
        helper.make_node(
            "LinearClassifier",
            ["x"],
            ["label", "raw"],
            domain="ai.onnx.ml",
            **named,
            coefficients=np.eye(size, dtype=np.float32).reshape(-1),
            intercepts=[0.0] * size,
        ),
        helper.make_node("ZipMap", ["raw"], ["scores"], domain="ai.onnx.ml", **mapped)
        if zipmap
        else helper.make_node("Identity", ["raw"], ["scores"]),
        helper.make_node("Identity", ["raw"], ["more"]),
    ]
    pair: tuple[str, Shape] = ("FP32", ["n", size])
    label: tuple[str, Shape] = ("BYTES" if strings else "INT64", [rows])
    outputs: dict[str, tuple[str, Shape]] = {"label": label, "scores": pair}
    graph = _graph(nodes, {"x": pair}, outputs | ({"more": pair} if twice else {}))
    if zipmap:
        score = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
        of_row = helper.make_map_type_proto(TensorProto.STRING if strings else TensorProto.INT64, score)
        graph.output[1].CopyFrom(helper.make_value_info("scores", helper.make_sequence_type_proto(of_row)))
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())


def _graph(nodes: Sequence[NodeProto], inputs: Tensors, outputs: Tensors, **weights: Array) -> GraphProto:
    return helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(name, ONNX_TYPES[type_], shape)
            for name, (type_, shape) in inputs.items()
        ],
        [
            helper.make_tensor_value_info(name, ONNX_TYPES[type_], shape)
            for name, (type_, shape) in outputs.items()
        ],
        [from_array(values, name) for name, values in weights.items()],
    )
