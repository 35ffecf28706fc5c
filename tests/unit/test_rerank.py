"""Documents sorted by how well they answer a query, in the form of Cohere and Jina."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from triptych.http.rerank import MAX_DOCUMENTS

from tests.support.realtime import Answer, RealtimeFunction
from tests.support.task_models import add_task_models
from tests.support.text_exports import VECTORS, logits, tokens

QUERY = "a good film"
DOCUMENTS = ["bad", "good film", "", "Ada in Berlin", "good film"]


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function over a model of each task."""
    models = tmp_path_factory.mktemp("models")
    add_task_models(models)
    return RealtimeFunction(models)


def ranked(function: RealtimeFunction, **message: Any) -> Answer:  # noqa: ANN401 - JSON
    """Posts a message; a field of None is left out."""
    whole = {"model": "ranker", "query": QUERY, "documents": DOCUMENTS, **message}
    given = {name: value for name, value in whole.items() if value is not None}
    return function.post("/v1/rerank", json.dumps(given).encode())


def cross_scores() -> list[float]:
    """Returns what a cross-encoder gives."""
    return [float(1 / (1 + np.exp(-logits(1, QUERY, text)[0]))) for text in DOCUMENTS]


def cosines() -> list[float]:
    """Returns the cosines of embeddings."""
    query, *others = (VECTORS[tokens(text)].mean(axis=0) for text in (QUERY, *DOCUMENTS))
    return [float(query @ each / np.linalg.norm(query) / np.linalg.norm(each)) for each in others]


@pytest.mark.parametrize(("model", "scores"), [("ranker", cross_scores()), ("search:1", cosines())])
def test_best_first(function: RealtimeFunction, model: str, scores: list[float]) -> None:
    """The best document comes first; of equal ones the earlier."""
    answer = ranked(function, model=model).json()
    assert f"{model.partition(':')[0]}:1" == answer["model"]
    expected = sorted(range(len(scores)), key=lambda index: -round(scores[index], 5))
    assert expected == [result["index"] for result in answer["results"]]
    assert [scores[index] for index in expected] == pytest.approx(
        [result["relevance_score"] for result in answer["results"]], abs=1e-5
    )
    assert all({"index", "relevance_score"} == result.keys() for result in answer["results"])


def test_few_with_documents(function: RealtimeFunction) -> None:
    """`top_n` cuts the list; documents come back as they were sent, texts as objects."""
    documents = ["bad", {"text": "good film", "id": 7}]
    results = ranked(function, documents=documents, return_documents=True).json()["results"]
    returned = {result["index"]: result["document"] for result in results}
    assert {0: {"text": "bad"}, 1: documents[1]} == returned
    assert (
        results[:1] == ranked(function, documents=documents, return_documents=True, top_n=1).json()["results"]
    )
    assert 5 == len(ranked(function, top_n=9).json()["results"])


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"model": ""}, "model: expected the name of a model"),
        ({"model": "reviews"}, "ranking needs 'text-ranking' or 'feature-extraction'"),
        ({"query": 1}, "query: expected text, got a number"),
        (
            {"documents": []},
            "documents: expected an array of texts, or of objects with a text, got an empty array",
        ),
        ({"documents": "bad"}, "got a string"),
        ({"documents": ["bad", {"title": "a"}]}, "documents[1]: expected text, or an object with a text"),
        ({"documents": [{"text": None}]}, "documents[0]: expected text"),
        ({"top_n": 0}, "top_n: expected a whole number from 1, got '0'"),
        ({"top_n": True}, "top_n: expected a whole number from 1"),
        ({"return_documents": "yes"}, "return_documents: expected true or false"),
        ({"top_k": 3}, "unknown field 'top_k' (did you mean 'top_n'?)"),
    ],
)
def test_mistakes(function: RealtimeFunction, message: dict[str, Any], words: str) -> None:
    """A mistake is a 400 that says what is expected, where clients of Cohere and of Jina look for it."""
    answer = ranked(function, **message)
    error = answer.json()
    assert (400, error["message"]) == (answer.status, error["detail"])
    assert words in error["message"]


def test_too_many(function: RealtimeFunction) -> None:
    """There is a most; a long query beside so many documents takes no memory for each."""
    query = "good " * 100_000
    assert 200 == ranked(function, query=query, documents=["bad"] * MAX_DOCUMENTS, top_n=1).status
    answer = ranked(function, documents=["bad"] * (MAX_DOCUMENTS + 1))
    assert (400, True) == (answer.status, "at most 2048, got 2049" in answer.json()["message"])


def test_own_code(tmp_path: Path) -> None:
    """Code in front of the model counts; scores for other documents than were sent are an error."""
    add_task_models(tmp_path)
    code = "def postprocess(outputs, rows):\n    return {{'score': {}}}\n"
    (tmp_path / "ranker" / "model.py").write_text(code.format("outputs['score'] * 0 + 7"))
    (tmp_path / "search").joinpath("model.toml").write_text("")
    function = RealtimeFunction(tmp_path)
    assert [7.0] * 5 == [result["relevance_score"] for result in ranked(function).json()["results"]]
    (tmp_path / "ranker" / "model.py").write_text(code.format("outputs['score'][:2]"))
    answer = ranked(RealtimeFunction(tmp_path))
    assert (400, "the model gives [2] scores for 5 documents") == (answer.status, answer.json()["message"])
