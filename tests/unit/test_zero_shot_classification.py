"""Labels of any kind, by a model that tells whether a text entails a sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from triptych.errors import ModelUnavailable

from tests.support.realtime import RealtimeFunction
from tests.support.text_exports import add_export, classifier, logits, open_export
from tests.support.text_exports import softmax as shares

CONFIG = {
    "architectures": ["BertForSequenceClassification"],
    "id2label": {"0": "contradiction", "1": "neutral", "2": "entailment"},
}
ZERO_SHOT = '[task]\nname = "zero-shot-classification"\nhypothesis = "a {}"\n'
TEXT = "good film"


def predict(models: Path, *rows: dict[str, Any], toml: str = ZERO_SHOT) -> Any:  # noqa: ANN401 - JSON
    """Returns the answer for rows."""
    if not (models / "nli").exists():
        add_export(models, "nli", classifier(3), CONFIG)
    (models / "nli/model.toml").write_text(toml)
    headers = {"content-type": "application/json"}
    body = json.dumps({"instances": rows}).encode()
    return RealtimeFunction(models).post("/v2/models/{model}/predict", body, headers, model="nli").json()


def entailed(*labels: str) -> dict[str, float]:
    """Returns the shares of labels."""
    scores = shares(np.array([logits(3, TEXT, f"a {label}")[2] for label in labels]))
    return dict(zip(labels, scores.tolist(), strict=True))


@pytest.mark.parametrize(
    "labels", [["bad", "Berlin", "film"], "bad, Berlin,film", '["bad", "Berlin", "film"]']
)
def test_one_of_many(tmp_path: Path, labels: object) -> None:
    """Candidates are a list, or names separated by commas; their scores add up to one, the best first."""
    (row,) = predict(tmp_path, {"text": TEXT, "candidate_labels": labels})["predictions"]
    expected = entailed("bad", "Berlin", "film")
    assert expected == pytest.approx(row["scores"], abs=1e-5)
    assert sorted(row["scores"].values(), reverse=True) == list(row["scores"].values())
    assert (row["label"], row["score"]) == next(iter(row["scores"].items()))


def test_each_text_has_its_own(tmp_path: Path) -> None:
    """Texts of one request may have different candidates, and different numbers of them."""
    rows = [
        {"text": TEXT, "candidate_labels": ["bad", "Berlin"]},
        {"text": TEXT, "candidate_labels": ["film", "a", "not"]},
    ]
    first, second = predict(tmp_path, *rows)["predictions"]
    assert entailed("bad", "Berlin") == pytest.approx(first["scores"], abs=1e-5)
    assert entailed("film", "a", "not") == pytest.approx(second["scores"], abs=1e-5)


def test_several_may_be_true(tmp_path: Path) -> None:
    """With `multi_label`, and for a single candidate, entailment stands against contradiction."""
    both = {label: float(shares(logits(3, TEXT, f"a {label}")[[0, 2]])[1]) for label in ("bad", "Berlin")}
    rows = [{"text": TEXT, "candidate_labels": ["bad", "Berlin"]}]
    (row,) = predict(tmp_path, *rows, toml=ZERO_SHOT + "multi_label = true")["predictions"]
    assert both == pytest.approx(row["scores"], abs=1e-5)
    (row,) = predict(tmp_path, {"text": TEXT, "candidate_labels": "bad"})["predictions"]
    assert {"bad": both["bad"]} == pytest.approx(row["scores"], abs=1e-5)


def test_candidates_of_the_model(tmp_path: Path) -> None:
    """`[task] labels` are the candidates of texts that bring none."""
    toml = ZERO_SHOT + 'labels = ["bad", "Berlin"]'
    alone, own = predict(tmp_path, {"text": TEXT}, {"text": TEXT, "candidate_labels": "film,a"}, toml=toml)[
        "predictions"
    ]
    assert entailed("bad", "Berlin") == pytest.approx(alone["scores"], abs=1e-5)
    assert {"film", "a"} == own["scores"].keys()
    (alone,) = predict(tmp_path, {"text": TEXT}, toml=toml)["predictions"]
    assert {"bad", "Berlin"} == alone["scores"].keys()


@pytest.mark.parametrize("labels", ["", " , ", [], [1]])
def test_no_candidates(tmp_path: Path, labels: object) -> None:
    """A row without candidates is named."""
    rows: list[dict[str, object]] = [
        {"text": TEXT, "candidate_labels": "bad"},
        {"text": TEXT, "candidate_labels": labels},
    ]
    error = predict(tmp_path, *rows)["error"]
    assert "row 2: candidate_labels: expected names separated by commas, or a list of them" == error


def test_classes_of_another_kind(tmp_path: Path) -> None:
    """A model without a class of entailment says so."""
    config = {**CONFIG, "id2label": {"0": "a", "1": "b", "2": "c"}}
    directory = add_export(tmp_path, "nli", classifier(3), config)
    with pytest.raises(ModelUnavailable, match="no class of 'a', 'b', 'c' is entailment"):
        open_export(directory, ZERO_SHOT)


def test_sentence_without_a_place(tmp_path: Path) -> None:
    """The hypothesis has a place for the label."""
    error = predict(tmp_path, {"text": TEXT}, toml='[task]\nhypothesis = "This is it."')["error"]
    assert "task.hypothesis: expected a sentence with {} where the label goes" in error


def test_files_alone_say_classification(tmp_path: Path) -> None:
    """Without `[task]` such a model is a classifier of pairs."""
    directory = add_export(tmp_path, "nli", classifier(3), CONFIG)
    assert "text-classification" == open_export(directory).signature.task
