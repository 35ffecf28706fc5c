"""Models that ONNX allows and the operator cases do not have: odd inputs, outputs and names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.support.mutations import as_json
from tests.support.realtime import RealtimeFunction, add_model
from tests.support.tiny_models import Tensors, model

METADATA = "/v2/models/{model}"
INFER = "/v2/models/{model}/infer"
PAIR: tuple[str, list[str | int]] = ("FP32", [2])
IN: Tensors = {"x": PAIR}
OUT: Tensors = {"y": PAIR}
ODD_NAME = 'a/b:0, "é" \U0001f600'
WEIGHTS = np.array([1, 2], dtype=np.float32)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """An empty model repository."""
    return tmp_path


def infer(models: Path, content: bytes, *names: str) -> Any:  # noqa: ANN401 - JSON
    """Serves a model and sends it the pair 3, 4 for every input that is named."""
    add_model(models, "odd", content)
    inputs = [{"name": name, "datatype": "FP32", "shape": [2], "data": [3, 4]} for name in names]
    return RealtimeFunction(models).post(INFER, as_json({"inputs": inputs}), model="odd").json()


def data(answer: Any) -> list[tuple[str, list[float]]]:  # noqa: ANN401 - JSON
    """Returns names and values of the outputs."""
    return [(output["name"], output["data"]) for output in answer["outputs"]]


def sum_with_default() -> bytes:
    """Makes a model whose input `w` has a default, as older exporters make all weights."""
    made = onnx.load_from_string(model([helper.make_node("Add", ["x", "w"], ["y"])], IN, OUT, w=WEIGHTS))
    made.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [2]))
    return bytes(made.SerializeToString())


def test_no_inputs(models: Path) -> None:
    """A model without inputs answers a request without inputs."""
    content = model([helper.make_node("Identity", ["w"], ["y"])], {}, OUT, w=WEIGHTS)
    assert [("y", [1, 2])] == data(infer(models, content))


def test_weight_as_output(models: Path) -> None:
    """A model may be nothing but a weight."""
    assert [("w", [1, 2])] == data(infer(models, model([], {}, {"w": PAIR}, w=WEIGHTS)))


def test_input_as_output(models: Path) -> None:
    """An input may be an output as it stands."""
    assert [("x", [3, 4])] == data(infer(models, model([], IN, IN), "x"))


def test_default_of_an_input(models: Path) -> None:
    """An input with a default is a weight: it is neither shown nor taken."""
    answer = infer(models, sum_with_default(), "x")
    assert [("y", [4, 6])] == data(answer)
    metadata = RealtimeFunction(models).get(METADATA, model="odd").json()
    assert ["x"] == [entry["name"] for entry in metadata["inputs"]]


def test_default_cannot_be_given(models: Path) -> None:
    """A value for a weight is refused like any unknown input."""
    answer = infer(models, sum_with_default(), "x", "w")
    assert {"error": "unknown input 'w'; the model takes 'x'"} == answer


def test_unused_input(models: Path) -> None:
    """An input that nothing uses must be given, as ONNX has it."""
    content = model([helper.make_node("Identity", ["x"], ["y"])], {**IN, "z": PAIR}, OUT)
    assert {"error": "missing input 'z'; the model takes 'x', 'z'"} == infer(models, content, "x")


def test_same_output_twice(models: Path) -> None:
    """A graph that names an output twice answers it twice."""
    made = onnx.load_from_string(model([helper.make_node("Identity", ["x"], ["y"])], IN, OUT))
    made.graph.output.append(made.graph.output[0])
    assert [("y", [3, 4])] * 2 == data(infer(models, bytes(made.SerializeToString()), "x"))


def test_odd_names(models: Path) -> None:
    """Names of inputs and outputs may hold any characters."""
    out = f"{ODD_NAME}\n"
    content = model([helper.make_node("Identity", [ODD_NAME], [out])], {ODD_NAME: PAIR}, {out: PAIR})
    assert [(out, [3, 4])] == data(infer(models, content, ODD_NAME))


def test_strided_output(models: Path) -> None:
    """Values come row by row, however they lie in memory."""
    content = model(
        [
            helper.make_node("Reshape", ["x", "column"], ["tall"]),
            helper.make_node("Concat", ["tall", "tall"], ["square"], axis=1),
            helper.make_node("Transpose", ["square"], ["y"]),
        ],
        IN,
        {"y": ("FP32", [2, 2])},
        column=np.array([2, 1]),
    )
    assert [("y", [3, 4, 3, 4])] == data(infer(models, content, "x"))


def test_declared_shape_is_wrong(models: Path) -> None:
    """An answer has the shape that came out, not the one that the model declares."""
    content = model(
        [helper.make_node("Identity", ["x"], ["y"])], {"x": ("FP32", ["n"])}, {"y": ("FP32", [7])}
    )
    answer = infer(models, content, "x")
    assert [2] == answer["outputs"][0]["shape"]
