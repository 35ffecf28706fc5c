"""Models that ONNX Runtime opens and runs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, ModelUnavailable, NotSupported
from triptych.models.config import SessionSettings
from triptych.models.session import OnnxSession, open_session
from triptych.protocol.datatypes import BF16, BYTES, DATATYPES, FP32, INT64
from triptych.protocol.tensors import Signature, Tensor, TensorSpec

from tests.support.identity_models import identity_model
from tests.support.tiny_models import identity, lookup, model, pairs, sequence, sum_and_difference, zeros
from tests.unit.fakes.graphs import write_adder

LATER = Deadline(float("inf"))


def opened(directory: Path, content: bytes) -> OnnxSession:
    """Opens a model that lies in a directory of its own."""
    path = directory / "model.onnx"
    path.write_bytes(content)
    return open_session(path, SessionSettings())


def floats(*values: float) -> Tensor:
    """A vector."""
    return Tensor(FP32, np.array(values, dtype="<f4"))


def integers(*values: int) -> Tensor:
    """A vector."""
    return Tensor(INT64, np.array(values, dtype="<i8"))


def test_signature(tmp_path: Path) -> None:
    """Inputs and outputs come in the graph's order; what has no size is free."""
    pair = (-1, 2)
    inputs = (TensorSpec("a", FP32, pair), TensorSpec("b", FP32, pair))
    outputs = (TensorSpec("sum", FP32, pair), TensorSpec("difference", FP32, pair))
    assert Signature(inputs, outputs) == opened(tmp_path, sum_and_difference()).signature


def test_open_rank(tmp_path: Path) -> None:
    """A model may leave even the rank open."""
    assert (TensorSpec("x", FP32, None),) == opened(tmp_path, identity_model("FP32")).signature.inputs


def test_wanted_outputs(tmp_path: Path) -> None:
    """Only the wanted outputs come, in the order wanted."""
    session = opened(tmp_path, sum_and_difference())
    pair = Tensor(FP32, np.array([[1, 2]], dtype="<f4"))
    assert ["difference"] == list(session.run({"a": pair, "b": pair}, ["difference"], LATER))
    both = session.run({"b": pair, "a": pair}, ["difference", "sum"], LATER)
    assert ["difference", "sum"] == list(both)
    assert [[2, 4]] == both["sum"].values.tolist()


@pytest.mark.parametrize("name", DATATYPES)
def test_every_datatype(name: str, tmp_path: Path) -> None:
    """A tensor of any datatype goes through a model unchanged, also one without elements."""
    datatype = DATATYPES[name]
    session = opened(tmp_path, identity(name, ["n"]))
    for values in (["a\0b", "ü"] if datatype is BYTES else [0, 1], []):
        tensor = Tensor(datatype, np.array(values, dtype=datatype.storage))
        result = session.run({"x": tensor}, ["y"], LATER)["y"]
        assert datatype is result.datatype
        assert values == result.values.tolist()


@pytest.mark.parametrize(
    ("made", "tensor", "expected"),
    [
        (lookup, integers(3), "idx=3 must be within the inclusive range [-3,2]"),
        (pairs, floats(1, 2, 3), "cannot be reshaped to the requested shape. Input shape:{3}"),
        (zeros, integers(-1), "shape.Size() must be >= 0"),
    ],
)
def test_values_that_do_not_fit(
    made: Callable[[], bytes], tensor: Tensor, expected: str, tmp_path: Path
) -> None:
    """What fails when it runs says why, without a path, and the session goes on working."""
    session = opened(tmp_path, made())
    name, output = session.signature.inputs[0].name, session.signature.outputs[0].name
    with pytest.raises(BadRequest, match="the model cannot run on these inputs") as failure:
        session.run({name: tensor}, [output], LATER)
    message = str(failure.value)
    assert expected in message
    assert "/" not in message
    good = integers(1) if tensor.datatype is INT64 else floats(1, 2)
    assert [output] == list(session.run({name: good}, [output], LATER))


def test_rows_that_differ(tmp_path: Path) -> None:
    """Inputs whose free dimensions do not go together are refused."""
    session = opened(tmp_path, sum_and_difference())
    a, b = (Tensor(FP32, np.zeros((rows, 2), dtype="<f4")) for rows in (2, 3))
    with pytest.raises(BadRequest, match="the model cannot run on these inputs"):
        session.run({"a": a, "b": b}, ["sum"], LATER)


def test_no_time_left(tmp_path: Path) -> None:
    """A run that could only end late does not begin."""
    with pytest.raises(DeadlineExceeded, match="ran out of time while waiting for the model"):
        opened(tmp_path, pairs()).run({"x": floats(1, 2)}, ["y"], Deadline.after(-1))


@pytest.mark.parametrize("content", [b"", b"not a model", identity("FP32", [1])[:40]])
def test_corrupt_file(content: bytes, tmp_path: Path) -> None:
    """A file that is no model says so, without its path."""
    with pytest.raises(ModelUnavailable) as failure:
        opened(tmp_path, content)
    message = str(failure.value)
    assert message.startswith("the model cannot be opened: Load model from model.onnx failed")
    assert "/" not in message
    assert message.endswith(f"model.onnx has {len(content)} bytes: is the upload complete, and ONNX?")


def test_weights_cut_short(tmp_path: Path) -> None:
    """External weights that are cut short lead to the same question."""
    path = write_adder(tmp_path, 1, external=True)
    weights = tmp_path / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelUnavailable, match=r"file_length: 255 .* is the upload complete"):
        open_session(path, SessionSettings())


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there says so, without its path."""
    with pytest.raises(ModelUnavailable, match="the model cannot be opened") as failure:
        open_session(tmp_path / "model.onnx", SessionSettings())
    assert str(tmp_path) not in str(failure.value)


def test_missing_weights(tmp_path: Path) -> None:
    """External weights that are not there are named, without their path."""
    path = write_adder(tmp_path, 1, external=True)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelUnavailable, match=r"weights\.bin") as failure:
        open_session(path, SessionSettings())
    assert str(tmp_path) not in str(failure.value)


@pytest.mark.parametrize("weights", ["mapped", "prepacked"])
def test_external_weights(weights: str, tmp_path: Path) -> None:
    """Weights in a file of their own give the same, mapped or prepacked."""
    settings = SessionSettings(weights="mapped" if weights == "mapped" else "prepacked", arena=False)
    session = open_session(write_adder(tmp_path, 2, external=True), settings)
    assert [2.0] * 64 == session.run({"x": floats(*[0] * 64)}, ["y"], LATER)["y"].values.tolist()


def test_sequence_is_not_supported(tmp_path: Path) -> None:
    """What the protocol cannot carry is refused when the model is opened."""
    with pytest.raises(
        NotSupported, match=r"output 'y' of the model is seq\(tensor\(float\)\), which the protocol cannot"
    ):
        opened(tmp_path, sequence())


def test_bf16_beside_other_datatypes(tmp_path: Path) -> None:
    """A model with BF16 may have numbers beside it, and give strings; it cannot take them."""
    numbers = {"x": ("BF16", ["n"]), "z": ("INT8", ["n"])}
    copies = [helper.make_node("Identity", ["x"], ["x2"]), helper.make_node("Identity", ["z"], ["z2"])]
    session = opened(tmp_path, model(copies, numbers, {"x2": numbers["x"], "z2": numbers["z"]}))
    x = Tensor(BF16, np.array([0x3F80], dtype="<u2"))
    results = session.run(
        {"x": x, "z": Tensor(DATATYPES["INT8"], np.array([-1], "|i1"))}, ["z2", "x2"], LATER
    )
    assert {"z2": [-1], "x2": [0x3F80]} == {name: tensor.values.tolist() for name, tensor in results.items()}
    texts = {"x": ("BF16", ["n"]), "z": ("BYTES", ["n"])}
    with pytest.raises(NotSupported, match="input 'z' of the model is strings, and another tensor is BF16"):
        opened(tmp_path, model(copies, texts, {"x2": texts["x"], "z2": texts["z"]}))


def test_quantized_as_it_runs(tmp_path: Path) -> None:
    """A session knows whether the scale of its integers comes from the values of each run."""
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    shape = ("FP32", ["rows"])
    (tmp_path / "model.onnx").write_bytes(model(nodes, {"x": shape}, {"y": shape}))
    assert open_session(tmp_path / "model.onnx", SessionSettings()).quantizes_as_it_runs
    (tmp_path / "model.onnx").write_bytes(identity("FP32", ["rows"]))
    assert not open_session(tmp_path / "model.onnx", SessionSettings()).quantizes_as_it_runs
