"""Text classification, and ranking, through the function: texts in, labels and scores out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.realtime import RealtimeFunction, add_model
from tests.support.text_exports import add_export, classifier, encoder, logits, softmax
from tests.support.tiny_models import counter

MODEL = "/v2/models/{model}"
REVIEWS = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "BAD", "1": "GOOD"}}
TOPICS = {
    "architectures": ["BertForSequenceClassification"],
    "id2label": {"0": "a", "1": "b", "2": "c"},
    "problem_type": "multi_label_classification",
}
RANKER = {"architectures": ["XLMRobertaForSequenceClassification"], "id2label": {"0": "LABEL_0"}}


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function over one export of each kind."""
    models = tmp_path_factory.mktemp("models")
    add_export(models, "reviews", classifier(2), REVIEWS)
    add_export(models, "topics", classifier(3), TOPICS)
    add_export(models, "ranker", classifier(1), RANKER)
    add_export(models, "nameless", classifier(2), {"architectures": ["BertForSequenceClassification"]})
    add_model(models, "tensors", counter())
    return RealtimeFunction(models)


def test_signature(function: RealtimeFunction) -> None:
    """The task is the model's signature, and metadata names it."""
    described = function.get(MODEL, model="reviews").json()
    assert ["text", "text_pair"] == [spec["name"] for spec in described["inputs"]]
    assert [("label", "BYTES", [-1]), ("score", "FP32", [-1]), ("scores", "FP32", [-1, 2])] == [
        (spec["name"], spec["datatype"], spec["shape"]) for spec in described["outputs"]
    ]
    assert {"task": "text-classification"} == described["parameters"]


def test_tensors_have_no_task(function: RealtimeFunction) -> None:
    """A model without files beside it is served as before."""
    assert "parameters" not in function.get(MODEL, model="tensors").json()


def test_index(function: RealtimeFunction) -> None:
    """The index tells what each model is for."""
    entries = function.post("/v2/repository/index").json()
    assert {
        "nameless": "text-classification",
        "ranker": "text-ranking",
        "reviews": "text-classification",
        "tensors": "",
        "topics": "text-classification",
    } == {entry["name"]: entry["task"] for entry in entries}


def test_one_of_many(function: RealtimeFunction) -> None:
    """Scores add up to one; texts of mixed lengths come back in their order."""
    texts = ["good film", "", "not a good film", "bad", "unheard words", "Ada in Berlin"]
    rows = function.predictions("reviews", [{"text": text} for text in texts])
    for text, row in zip(texts, rows, strict=True):
        scores = softmax(logits(2, text))
        assert row["scores"] == pytest.approx(scores.tolist(), abs=1e-5)
        assert ("BAD", "GOOD")[int(scores.argmax())] == row["label"]
        assert row["score"] == pytest.approx(float(scores.max()), abs=1e-5)


def test_pairs(function: RealtimeFunction) -> None:
    """A second text is read with the first; a row without one is a text alone."""
    pair = {"text": "good film", "text_pair": "a bad"}
    both, alone = function.predictions("reviews", [pair, {"text": "good film"}])
    assert both["scores"] == pytest.approx(softmax(logits(2, "good film", "a bad")).tolist(), abs=1e-5)
    assert alone["scores"] == pytest.approx(softmax(logits(2, "good film")).tolist(), abs=1e-5)


def test_several_labels(function: RealtimeFunction) -> None:
    """Where several labels may be true, each has a score of its own."""
    (row,) = function.predictions("topics", [{"text": "good film"}])
    scores = 1 / (1 + np.exp(-logits(3, "good film")))
    assert row["scores"] == pytest.approx(scores.tolist(), abs=1e-5)
    assert [label for label, score in zip("abc", scores, strict=True) if score >= 0.5] == row["labels"]


def test_ranking(function: RealtimeFunction) -> None:
    """A model of one class scores a text for a query."""
    (row,) = function.predictions("ranker", [{"query": "good film", "text": "a bad"}])
    assert {"score"} == row.keys()
    expected = 1 / (1 + np.exp(-logits(1, "good film", "a bad")[0]))
    assert row["score"] == pytest.approx(float(expected), abs=1e-5)


def test_classes_without_names(function: RealtimeFunction) -> None:
    """Classes that the export does not name have the names of Transformers."""
    (row,) = function.predictions("nameless", [{"text": "good film"}])
    assert row["label"] in {"LABEL_0", "LABEL_1"}


def test_long_texts(function: RealtimeFunction) -> None:
    """What is longer than the model reads is cut, as by the tokenizer."""
    long, cut = function.predictions("reviews", [{"text": "good film " * 5000}, {"text": "good film " * 7}])
    assert long == cut


def test_infer(function: RealtimeFunction) -> None:
    """Texts are a BYTES tensor of the protocol."""
    message = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": ["good", "bad"]}]}
    answer = function.post(MODEL + "/infer", json.dumps(message).encode(), model="reviews")
    label, _, scores = answer.json()["outputs"]
    assert [2] == label["shape"]
    assert [2, 2] == scores["shape"]


def test_no_rows(function: RealtimeFunction) -> None:
    """No texts have no labels."""
    message = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [0], "data": []}]}
    answer = function.post(MODEL + "/infer", json.dumps(message).encode(), model="reviews")
    assert [[0], [0], [0, 2]] == [output["shape"] for output in answer.json()["outputs"]]


def test_rows_differ(function: RealtimeFunction) -> None:
    """As many second texts as texts."""
    inputs = [
        {"name": name, "datatype": "BYTES", "shape": [size], "data": ["good"] * size}
        for name, size in (("text", 2), ("text_pair", 3))
    ]
    answer = function.post(MODEL + "/infer", json.dumps({"inputs": inputs}).encode(), model="reviews")
    assert 400 == answer.status
    assert "'text': 2, 'text_pair': 3" in answer.error


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('name = "text-clasification"', "(did you mean 'text-classification'?)"),
        ("name = 3", "task.name: expected 'none' or"),
        ('labels = ["one"]', "[task] labels names 1 classes, and 'logits' has 2"),
        ("max_length = 1", "task.max_length: expected an integer from 4"),
        ("maxlength = 12", "unknown key 'task.maxlength' (did you mean 'max_length'?)"),
    ],
)
def test_wrong_task(tmp_path: Path, toml: str, message: str) -> None:
    """A `[task]` that does not fit says what would."""
    add_export(tmp_path, "reviews", classifier(2), REVIEWS)
    (tmp_path / "reviews/model.toml").write_text(f"[task]\n{toml}")
    answer = RealtimeFunction(tmp_path).get(MODEL, model="reviews")
    assert 503 == answer.status
    assert message in answer.error


def test_own_settings(tmp_path: Path) -> None:
    """`[task]` names classes, cuts texts, and lets several labels be true."""
    add_export(tmp_path, "reviews", classifier(2), REVIEWS)
    toml = '[task]\nlabels = ["no", "yes"]\nmax_length = 4\nmulti_label = true'
    (tmp_path / "reviews/model.toml").write_text(toml)
    (row,) = RealtimeFunction(tmp_path).predictions("reviews", [{"text": "good film a not bad"}])
    scores = 1 / (1 + np.exp(-logits(2, "good film")))
    assert row["scores"] == pytest.approx(scores.tolist(), abs=1e-5)
    assert ("no", "yes")[int(scores.argmax())] == row["label"]


@pytest.mark.parametrize(("threshold", "labels"), [(0, ["a", "b", "c"]), (1, [])])
def test_threshold(tmp_path: Path, threshold: float, labels: list[str]) -> None:
    """`[task] threshold` says from which score on a label is true."""
    add_export(tmp_path, "topics", classifier(3), TOPICS)
    (tmp_path / "topics/model.toml").write_text(f"[task]\nthreshold = {threshold}")
    (row,) = RealtimeFunction(tmp_path).predictions("topics", [{"text": "good film"}])
    assert labels == row["labels"]


def test_task_switched_off(tmp_path: Path) -> None:
    """`none` serves the model's own tensors."""
    add_export(tmp_path, "reviews", classifier(2), REVIEWS)
    (tmp_path / "reviews/model.toml").write_text('[task]\nname = "none"')
    described = RealtimeFunction(tmp_path).get(MODEL, model="reviews").json()
    assert ["input_ids", "attention_mask"] == [spec["name"] for spec in described["inputs"]]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config", {**REVIEWS, "id2label": ["BAD", "GOOD"]}),
        ("config", {**REVIEWS, "id2label": {"a": "BAD"}}),
        ("config", {"architectures": 3}),
        ("config", {"architectures": [], "label_names": 3}),
        ("modules", [{"kind": "Pooling"}]),
        ("config_sentence_transformers", {"prompts": ["query"], "default_prompt_name": 3}),
        ("1_Pooling__config", {"pooling_mode": 3}),
        ("tokenizer_config", {"model_max_length": "long", "pad_token": 3}),
    ],
)
def test_malformed_files(tmp_path: Path, file: str, content: object) -> None:
    """Files of another form make a version that cannot be loaded and says why, or do not matter."""
    kind = encoder() if file != "config" else classifier(2)
    files: dict[str, Any] = {"config": REVIEWS if file == "tokenizer_config" else {}, file: content}
    add_export(tmp_path, "texts", kind, **files)
    answer = RealtimeFunction(tmp_path).get(MODEL, model="texts")
    assert answer.status in {200, 503}
    assert 200 == answer.status or "name = 'none' serves the model's own tensors" in answer.error


def test_missing_tokenizer(tmp_path: Path) -> None:
    """Without a tokenizer there is no task, and one that is asked for says what is missing."""
    directory = add_export(tmp_path, "reviews", classifier(2), REVIEWS)
    (directory / "tokenizer.json").unlink()
    described = RealtimeFunction(tmp_path).get(MODEL, model="reviews").json()
    assert "input_ids" == described["inputs"][0]["name"]
    (tmp_path / "reviews/model.toml").write_text('[task]\nname = "text-classification"')
    answer = RealtimeFunction(tmp_path).get(MODEL, model="reviews")
    assert "tokenizer.json is missing beside the model" in answer.error
