"""`{"inputs": ..., "parameters": ...}` gets what the pipeline of the task returns."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.images import filed
from tests.support.realtime import Answer, Call, RealtimeFunction, add_model
from tests.support.task_models import add_task_models
from tests.support.text_exports import VECTORS, logits, softmax, tokens
from tests.support.tiny_models import sum_and_difference

GOOD, BAD = "a good film", "a bad film"
RED = base64.b64encode(filed(Image.new("RGB", (8, 8), (255, 0, 0)))).decode()


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function over a model of each task, and a model of tensors."""
    models = tmp_path_factory.mktemp("models")
    add_task_models(models)
    add_model(models, "sums", sum_and_difference())
    return RealtimeFunction(models)


def post(function: RealtimeFunction, model: str, message: Any, **query: str) -> Answer:  # noqa: ANN401 - JSON
    """Posts a message to `predict`."""
    headers = {"content-type": "application/json"}
    call = Call(
        "POST", "/v2/models/{model}/predict", {"model": model}, headers, query, json.dumps(message).encode()
    )
    return function.handle(call.event())


def piped(function: RealtimeFunction, model: str, inputs: Any, **parameters: Any) -> Any:  # noqa: ANN401 - JSON
    """Returns the answer to inputs."""
    message = {"inputs": inputs, "parameters": parameters} if parameters else {"inputs": inputs}
    answer = post(function, model, message)
    assert 200 == answer.status, answer.body
    return answer.json()


def classes(*texts: str) -> list[dict[str, Any]]:
    """Returns the classes of a text, or of a pair, the best first."""
    scores = softmax(logits(2, *texts))
    named = [
        {"label": label, "score": pytest.approx(float(score), abs=1e-5)}
        for label, score in zip(("bad", "good"), scores, strict=True)
    ]
    return named[:: 1 if scores[0] > scores[1] else -1]


def test_text_classification(function: RealtimeFunction) -> None:
    """As in Transformers: a list of the best class for a text, a dict for a dict, and lists with `top_k`."""
    good, bad, pair = classes(GOOD), classes(BAD), classes(GOOD, BAD)
    both = {"text": GOOD, "text_pair": BAD}
    assert good[:1] == piped(function, "reviews", GOOD)
    assert [good[0], bad[0]] == piped(function, "reviews", [GOOD, BAD])
    assert pair[0] == piped(function, "reviews", both)
    assert [pair[0]] == piped(function, "reviews", [both]) == piped(function, "reviews", [[GOOD, BAD]])
    assert good == piped(function, "reviews", GOOD, top_k=None)
    assert good[:1] == piped(function, "reviews", GOOD, top_k=1)
    assert [good, bad] == piped(function, "reviews", [GOOD, BAD], top_k=5)
    assert [] == piped(function, "reviews", [])


def test_image_classification(function: RealtimeFunction) -> None:
    """The classes of an image, the five best by default."""
    (best,) = piped(function, "pictures", RED, top_k=1)
    assert "red" == best["label"]
    assert 3 == len(piped(function, "pictures", RED))
    assert [["red"]] == [
        [entry["label"] for entry in each] for each in piped(function, "pictures", [RED], top_k=1)
    ]


def test_zero_shot_classification(function: RealtimeFunction) -> None:
    """Labels are parameters, for all texts."""
    (first, second) = piped(function, "topics", [GOOD, BAD], candidate_labels=["film", "Berlin"])
    assert (GOOD, BAD) == (first["sequence"], second["sequence"])
    assert {"film", "Berlin"} == {*first["labels"]}
    assert sorted(first["scores"], reverse=True) == first["scores"]
    assert 1 == pytest.approx(sum(second["scores"]))
    assert first == piped(function, "topics", GOOD, candidate_labels="film, Berlin", multi_label=False)


def test_question_answering(function: RealtimeFunction) -> None:
    """An answer is a span of the context."""
    row = {"question": "a good film", "context": "Ada in Berlin"}
    answer = piped(function, "answers", row)
    assert {"answer", "score", "start", "end"} == answer.keys()
    assert row["context"][answer["start"] : answer["end"]] == answer["answer"]
    assert [answer, answer] == piped(function, "answers", [row, row])


def test_token_classification(function: RealtimeFunction) -> None:
    """The entities of a text, or of each."""
    entities = piped(function, "names", "Ada in Berlin", aggregation_strategy="simple")
    assert all({"entity_group", "score", "word", "start", "end"} == entity.keys() for entity in entities)
    assert [entities, entities] == piped(function, "names", ["Ada in Berlin"] * 2)


def test_feature_extraction(function: RealtimeFunction) -> None:
    """The embedding of a text, or of each."""
    expected = VECTORS[tokens(GOOD)].mean(axis=0)
    np.testing.assert_allclose(expected, piped(function, "search", GOOD), rtol=1e-5)
    np.testing.assert_allclose([expected], piped(function, "search", [GOOD]), rtol=1e-5)


def test_text_ranking(function: RealtimeFunction) -> None:
    """The score of a query and a text."""
    expected = 1 / (1 + np.exp(-logits(1, GOOD, BAD)[0]))
    assert {"score": pytest.approx(expected, abs=1e-5)} == piped(
        function, "ranker", {"query": GOOD, "text": BAD}
    )


def test_instances_go_before(function: RealtimeFunction) -> None:
    """A body with instances is one of rows, whatever else it holds."""
    answer = post(function, "reviews", {"instances": [{"text": GOOD}], "inputs": 1}).json()
    assert "predictions" in answer


@pytest.mark.parametrize(
    ("model", "message", "words"),
    [
        ("sums", {"inputs": [1.5]}, "'sums' has no task; send rows as"),
        ("reviews", {"inputs": [{"name": "text", "datatype": "BYTES"}]}, "/v2/models/reviews/infer"),
        (
            "reviews",
            {"inputs": GOOD, "parameter": {}},
            "unknown field 'parameter' (did you mean 'parameters'?)",
        ),
        ("reviews", {"inputs": GOOD, "parameters": []}, "parameters: expected an object, got an array"),
        ("reviews", {"inputs": GOOD, "parameters": {"topk": 1}}, "'parameters.topk' (did you mean 'top_k'?)"),
        (
            "reviews",
            {"inputs": GOOD, "parameters": {"top_k": 0}},
            "parameters.top_k: expected a whole number from 1",
        ),
        ("answers", {"inputs": GOOD}, "missing column 'context'; the rows have 'question'"),
        ("answers", {"inputs": {"question": GOOD}}, "missing column 'context'"),
        ("reviews", {"inputs": [GOOD, 1]}, "row 2, column 'text': expected text"),
        (
            "reviews",
            {"inputs": None},
            "context, or a list, got null",
        ),
        ("search", {"inputs": GOOD, "parameters": {"top_k": 1}}, "there are no parameters here"),
        ("topics", {"inputs": GOOD}, "missing column 'candidate_labels'"),
        ("topics", {"inputs": GOOD, "parameters": {"candidate_labels": 1}}, "expected an array of texts"),
        (
            "topics",
            {"inputs": GOOD, "parameters": {"candidate_labels": ["a"], "multi_label": True}},
            "parameters.multi_label: the model has False; to change it for all requests, set multi_label",
        ),
        (
            "names",
            {"inputs": GOOD, "parameters": {"aggregation_strategy": "max"}},
            "the model has 'simple'; to change it for all requests, set aggregation under [task]",
        ),
    ],
)
def test_mistakes(function: RealtimeFunction, model: str, message: dict[str, Any], words: str) -> None:
    """A mistake is a 400 that says what to do."""
    answer = post(function, model, message)
    assert (400, True) == (answer.status, words in answer.error), answer.error


def test_options_of_rows(function: RealtimeFunction) -> None:
    """What rows have and pipelines have not is refused."""
    assert "join and outputs are for" in post(function, "reviews", {"inputs": GOOD}, join="all").error
    call = Call(
        "POST",
        "/v2/models/{model}/predict",
        {"model": "reviews"},
        {"content-type": "application/json", "accept": "text/csv"},
        body=b'{"inputs": "a"}',
    )
    answer = function.handle(call.event())
    assert (406, True) == (answer.status, "the answer to 'inputs' is JSON" in answer.error)


def test_many_labels_for_many_texts(function: RealtimeFunction) -> None:
    """Labels that would take too much memory for all texts are refused before they do."""
    message = {"inputs": [""] * 5000, "parameters": {"candidate_labels": ["x" * 4000]}}
    answer = post(function, "topics", message)
    assert (413, True) == (answer.status, "send fewer texts" in answer.error)
