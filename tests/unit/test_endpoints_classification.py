"""The classification extension, from the event to the answer."""

import json
import struct
from typing import Any

import pytest

from tests.support.infer_messages import HEADER_LENGTH
from tests.support.realtime import Answer, RealtimeFunction, add_model
from tests.support.tiny_models import identity

SCORES = [[0.25, 0.5, 0.125, 0], [0, 0, 2, 1]]


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function over models that give back scores, one with labels."""
    models = tmp_path_factory.mktemp("models")
    add_model(models, "plain", identity("FP32", ["n", 4]))
    add_model(models, "labelled", identity("FP32", ["n", 4]))
    (models / "labelled/model.toml").write_text('[labels]\ny = ["cat", "dog", "owl", "fox"]\n')
    add_model(models, "counts", identity("INT32", ["n", 4]))
    add_model(models, "names", identity("BYTES", ["n", 4]))
    return RealtimeFunction(models)


def classify(function: RealtimeFunction, model: str, data: object, classes: object, **more: object) -> Answer:
    """Asks for the best classes of scores."""
    datatype = {"counts": "INT32", "names": "BYTES"}.get(model, "FP32")
    message = {
        "inputs": [{"name": "x", "shape": [2, 4], "datatype": datatype, "data": data}],
        "outputs": [{"name": "y", "parameters": {"classification": classes, **more}}],
    }
    return function.post("/v2/models/{model}/infer", json.dumps(message).encode(), model=model)


def output(answer: Answer) -> dict[str, Any]:
    """The only output of an answer."""
    (described,) = answer.json()["outputs"]
    return dict(described)


def test_best_classes(function: RealtimeFunction) -> None:
    """The output becomes texts of score and index, best first, for each row."""
    assert {
        "name": "y",
        "datatype": "BYTES",
        "shape": [2, 2],
        "data": ["0.500000:1", "0.250000:0", "2.000000:2", "1.000000:3"],
    } == output(classify(function, "plain", SCORES, 2))


def test_labels(function: RealtimeFunction) -> None:
    """Labels come from the model's settings."""
    assert ["0.500000:1:dog", "2.000000:2:owl"] == output(classify(function, "labelled", SCORES, 1))["data"]
    assert "1.000000:3:fox" == output(classify(function, "labelled", SCORES, 2))["data"][3]


def test_more_classes_than_there_are(function: RealtimeFunction) -> None:
    """All classes come when more are wanted."""
    assert [2, 4] == output(classify(function, "plain", SCORES, 1000))["shape"]


def test_no_classes(function: RealtimeFunction) -> None:
    """0 classes mean the values themselves."""
    assert [0.25, 0.5] == output(classify(function, "plain", SCORES, 0))["data"][:2]


def test_no_number_is_worst(function: RealtimeFunction) -> None:
    """A score that is NaN comes last."""
    data = [[None, 1, 2, 3], [1, None, None, 0]]
    indices = [text.split(":")[1] for text in output(classify(function, "plain", data, 4))["data"]]
    assert ["3", "2", "1", "0", "0", "3", "1", "2"] == indices


def test_integers(function: RealtimeFunction) -> None:
    """Integer scores are written as integers, the least of them too."""
    data = [[-(2**31), 2**31 - 1, 0, 1], [0, 0, 0, 0]]
    expected = ["2147483647:1", "1:3", "0:2", "-2147483648:0", "0:0", "0:1", "0:2", "0:3"]
    assert expected == output(classify(function, "counts", data, 4))["data"]


def test_binary(function: RealtimeFunction) -> None:
    """Classes travel as BYTES in binary too."""
    answer = classify(function, "labelled", SCORES, 1, binary_data=True)
    tail = answer.body[int(answer.headers[HEADER_LENGTH]) :]
    texts = [b"0.500000:1:dog", b"2.000000:2:owl"]
    assert b"".join(struct.pack("<I", len(text)) + text for text in texts) == tail


def test_texts_have_no_best(function: RealtimeFunction) -> None:
    """An output of texts cannot be classified."""
    answer = classify(function, "names", [["a"] * 4] * 2, 1)
    expected = "output 'y': classification needs numbers with at least one axis"
    assert (400, expected) == (answer.status, answer.error)


@pytest.mark.parametrize("classes", [-1, 1.5, "2", True])
def test_wrong_count(function: RealtimeFunction, classes: object) -> None:
    """How many classes is a whole number."""
    answer = classify(function, "plain", SCORES, classes)
    expected = f"output 'y': parameter 'classification' must be a whole number from 0, got {classes!r}"
    assert (400, expected) == (answer.status, answer.error)
