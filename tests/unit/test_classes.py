"""The classes that a model itself tells: used as labels, and held against `model.toml`."""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from triptych.clock import Deadline
from triptych.errors import NotSupported
from triptych.models.config import SessionSettings
from triptych.models.session import OnnxSession, open_session
from triptych.models.signature import Argument, signature_of
from triptych.protocol.datatypes import FP32
from triptych.protocol.tensors import Tensor, TensorSpec

from tests.support.realtime import RealtimeFunction, add_model
from tests.support.tiny_models import classifier

MODEL = "/v2/models/{model}"
MINUS_ONE = b"\xff" * 9 + b"\x01"  # as protobuf writes it
LONG = ("leaves " * 40, "stays", "verläßt", "")


def opened(directory: Path, content: bytes) -> OnnxSession:
    """Opens a model that lies in a directory of its own."""
    model = directory / "model.onnx"
    model.write_bytes(content)
    return open_session(model, SessionSettings())


def labels(directory: Path, content: bytes) -> dict[str, tuple[str, ...]]:
    """The labels of each output of a model that is opened."""
    return {spec.name: spec.labels for spec in opened(directory, content).signature.outputs}


@pytest.mark.parametrize("classes", [("leaves", "stays"), LONG])
def test_classes_of_the_model(tmp_path: Path, classes: tuple[str, ...]) -> None:
    """String classes label the scores, whatever their length and characters, in the order of the scores."""
    assert {"label": (), "scores": classes} == labels(tmp_path, classifier(*classes))


def test_classes_of_a_trained_model() -> None:
    """scikit-learn sorts its classes."""
    model = Path(__file__).parents[2] / "layers/models/penguins/1/model.onnx"
    told = {spec.name: spec.labels for spec in open_session(model, SessionSettings()).signature.outputs}
    assert {"species": (), "probabilities": ("Adelie", "Chinstrap", "Gentoo")} == told


def test_what_could_be_meant_by_them_is_not_guessed(tmp_path: Path) -> None:
    """Two outputs of as many numbers, or two classifiers of other classes, have no labels."""
    assert {"label": (), "scores": (), "more": ()} == labels(tmp_path, classifier("a", "b", twice=True))
    assert {"label": (), "scores": ()} == labels(tmp_path, with_node(classifier("a", "b"), "c", "d"))


def with_node(content: bytes, *classes: str) -> bytes:
    """Adds a classifier whose outputs nobody uses."""
    model = onnx.load_from_string(content)
    node = helper.make_node(
        "LinearClassifier", ["x"], ["_", "__"], domain="ai.onnx.ml", classlabels_strings=classes
    )
    node.attribute.append(helper.make_attribute("coefficients", [1.0] * 4))
    node.attribute.append(helper.make_attribute("intercepts", [0.0] * 2))
    model.graph.node.append(node)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("classes", [("leaves", "stays"), LONG, (0, 1), (-1, 2**40, 7)])
def test_zipmap(tmp_path: Path, classes: tuple[str | int, ...]) -> None:
    """A map from class to score for each row is served as a tensor of scores, in the order of the file."""
    session = opened(tmp_path, classifier(*classes, zipmap=True))
    scores = session.signature.output_named("scores")
    assert TensorSpec("scores", FP32, (-1, len(classes)), tuple(map(str, classes))) == scores
    rows = Tensor(FP32, np.arange(3 * len(classes), dtype="<f4").reshape(3, -1))
    given = session.run({"x": rows}, ["scores", "label"], Deadline.after(10))
    np.testing.assert_array_equal(rows.values, given["scores"].values)
    assert [classes[-1]] * 3 == given["label"].values.tolist()
    none = session.run({"x": Tensor(FP32, rows.values[:0])}, ["scores"], Deadline.after(10))
    assert (0, len(classes)) == none["scores"].shape


def test_zipmap_over_other_classifiers(tmp_path: Path) -> None:
    """Its own classes count, whatever the classifiers below it call theirs (one against the rest: 0, 1)."""
    content = with_node(classifier("a", "b", zipmap=True), "c", "d")
    assert {"label": (), "scores": ("a", "b")} == labels(tmp_path, content)


def test_packed_integers(tmp_path: Path) -> None:
    """Some writers of protobuf put the integers of a list together."""
    content = classifier(-1, 300, zipmap=True)
    separate, packed = b"\x40" + MINUS_ONE + b"\x40\xac\x02", b"\x42\x0c" + MINUS_ONE + b"\xac\x02"
    assert 2 == content.count(separate)  # of the same length, so that all lengths around them stay right
    assert {"label": (), "scores": ("-1", "300")} == labels(tmp_path, content.replace(separate, packed))


def test_one_label_for_all_rows(tmp_path: Path) -> None:
    """LightGBM's exporter declares a single label, and gives one for each row."""
    session = opened(tmp_path, classifier(0, 1, zipmap=True, rows=1))
    assert (-1,) == session.signature.output_named("label").shape


def test_maps_without_classes(tmp_path: Path) -> None:
    """Maps that no ZipMap of the graph gives are refused; the message says what to write instead."""
    (tmp_path / "model.onnx").write_bytes(classifier("a", "b"))
    maps = Argument("scores", "seq(map(string,tensor(float)))", [])
    expected = "output 'scores' of the model is seq(map(string,tensor(float))), and its file does not name "
    with pytest.raises(NotSupported, match=re.escape(expected) + ".*options={'zipmap': False}"):
        signature_of([], [maps], tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("toml", "header"),
    [
        ("", b"scores_leaves,scores_stays"),
        ("[labels]\nscores = ['leaves', 'stays']", b"scores_leaves,scores_stays"),
    ],
)
def test_labels_are_used(tmp_path: Path, toml: str, header: bytes) -> None:
    """Without a word in `model.toml`, and beside one that says the same."""
    add_model(tmp_path, "churn", classifier("leaves", "stays"))
    (tmp_path / "churn/model.toml").write_text(toml)
    rows = RealtimeFunction(tmp_path).post(
        f"{MODEL}/predict", b"x_0,x_1\n2,1\n", {"content-type": "text/csv"}, model="churn"
    )
    assert (200, b"label," + header + b"\nleaves,2.0,1.0\n") == (rows.status, rows.body)


def test_a_contradiction_is_refused(tmp_path: Path) -> None:
    """Classes in another order would give each row the wrong name: the model does not open."""
    add_model(tmp_path, "churn", classifier("leaves", "stays"))
    (tmp_path / "churn/model.toml").write_text("[labels]\nscores = ['stays', 'leaves']")
    (entry,) = RealtimeFunction(tmp_path).post("/v2/repository/index").json()
    assert "UNAVAILABLE" == entry["state"]
    assert entry["reason"] == (
        "model.toml: [labels] calls the classes of 'scores' 'stays', 'leaves', and the model itself says "
        "'leaves', 'stays', in this order; leave them out of [labels], or write them so"
    )


@pytest.mark.parametrize(("names", "state"), [(["stays", "leaves"], "READY"), (["1", "0"], "UNAVAILABLE")])
def test_names_of_numbered_classes(tmp_path: Path, names: list[str], state: str) -> None:
    """Classes that are numbers may get names; not each other's numbers."""
    add_model(tmp_path, "churn", classifier(0, 1, zipmap=True))
    (tmp_path / "churn/model.toml").write_text(f"[labels]\nscores = {names}")
    function = RealtimeFunction(tmp_path)
    (entry,) = function.post("/v2/repository/index").json()
    assert state == entry["state"]
    if state == "READY":
        rows = function.post(
            f"{MODEL}/predict", b"x_0,x_1\n2,1\n", {"content-type": "text/csv"}, model="churn"
        )
        assert b"label,scores_stays,scores_leaves\n0,2.0,1.0\n" == rows.body
