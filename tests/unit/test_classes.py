"""The classes that a model itself tells: used as labels, and held against `model.toml`."""

import re
from pathlib import Path

import pytest
from triptych.errors import NotSupported
from triptych.models.config import SessionSettings
from triptych.models.session import open_session

from tests.support.realtime import RealtimeFunction, add_model
from tests.support.tiny_models import classifier

MODEL = "/v2/models/{model}"
LONG = ("leaves " * 40, "stays", "verläßt", "")


def labels(directory: Path, content: bytes) -> dict[str, tuple[str, ...]]:
    """The labels of each output of a model that is opened."""
    model = directory / "model.onnx"
    model.write_bytes(content)
    return {spec.name: spec.labels for spec in open_session(model, SessionSettings()).signature.outputs}


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
    other = classifier("c", "d")
    padding = (
        b"\x32" + bytes([0x80 | len(other) & 0x7F, len(other) >> 7]) + other
    )  # ModelProto.doc_string (6)
    assert {"label": (), "scores": ()} == labels(tmp_path, classifier("a", "b") + padding)


@pytest.mark.parametrize("end", [b"", b"\x4a", b"\x4a\x80", b"\x4a\x05name", b"\x4a\x01a\x4a"])
def test_a_file_that_ends_with_their_name(tmp_path: Path, end: bytes) -> None:
    """What looks like classes at the very end of a file, but is cut short, is none."""
    text = b"\x0a\x13classlabels_strings" + end
    doc_string = bytes([0x32, len(text)]) + text  # ModelProto.doc_string (6)
    assert {"label": (), "scores": ()} == labels(tmp_path, classifier("a", "b") + doc_string)


def test_zipmap_is_told_how_to_export(tmp_path: Path) -> None:
    """A sequence of maps is no tensor; the message says what to write instead."""
    expected = (
        "output 'scores' of the model is seq(map(string,tensor(float))), which the protocol cannot carry; "
    )
    with pytest.raises(NotSupported, match=re.escape(expected) + ".*options={'zipmap': False}"):
        labels(tmp_path, classifier("a", "b", zipmap=True))


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
