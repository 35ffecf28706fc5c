"""Nothing that clients of other APIs can send makes an internal error, or one of another form than theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.support.call_strategies import sent
from tests.support.mutations import as_json, damaged, mutated
from tests.support.properties import examples
from tests.support.realtime import Call, RealtimeFunction, told
from tests.support.task_models import TASKS, add_task_models

PREDICT = "/v2/models/{model}/predict"
PAIR = {"text": "good", "text_pair": "bad"}
MESSAGES: Mapping[str, tuple[dict[str, Any], ...]] = {
    "/openai/v1/embeddings": (
        {"model": "search", "input": ["good film", "bad"], "encoding_format": "base64", "dimensions": 2},
        {"model": "search:1", "input": [[2, 4, 3], [2, 5, 3]], "user": "x"},
        {"model": "search", "input": [2, 4, 6, 3]},
    ),
    "/v1/rerank": (
        {"model": "ranker", "query": "good", "documents": ["bad", {"text": "good"}], "top_n": 1},
        {"model": "search:1", "query": "good", "documents": ["bad", "good"], "return_documents": True},
    ),
    PREDICT: (
        {"inputs": "a good film"},
        {"inputs": ["good", "bad"], "parameters": {"top_k": 2}},
        {"inputs": [PAIR, PAIR], "parameters": {"top_k": None}},
        {"inputs": {"question": "Ada", "context": "Ada in Berlin"}},
        {"inputs": ["good"], "parameters": {"candidate_labels": ["film", "Berlin"], "multi_label": False}},
        {"inputs": {"query": "good", "text": "bad"}},
        {"inputs": "Ada in Berlin", "parameters": {"aggregation_strategy": "simple"}},
    ),
}
CLIENTS_FAULT = {400, 404, 406, 413, 415}


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function over a model of each task."""
    models = tmp_path_factory.mktemp("models")
    add_task_models(models)
    return RealtimeFunction(models)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """A request with anything changed: message, bytes, headers, query."""
    resource = draw(st.sampled_from(sorted(MESSAGES)))
    message = draw(st.sampled_from(MESSAGES[resource]))
    body = draw(st.just(as_json(message)) | mutated(message).map(as_json) | damaged(as_json(message)))
    path = {"model": draw(st.sampled_from(TASKS))} if resource == PREDICT else {}
    return draw(sent(Call("POST", resource, path, {"Content-Type": "application/json"}, body=body)))


@examples(400)
@given(calls())
def test_any_message(function: RealtimeFunction, call: Call) -> None:
    """Valid messages with anything changed are answered, or refused in the form of the route."""
    answer = function.handle(call.event())
    event(f"status {answer.status}")
    if answer.status != 200:
        assert answer.status in CLIENTS_FAULT, answer.body
        assert told(answer, call.resource)


@examples(100)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=1, max_size=8))
def test_any_texts(function: RealtimeFunction, texts: list[str]) -> None:
    """Any texts have an embedding, a rank and a label each."""
    embeddings = {"model": "search", "input": texts}
    ranking = {"model": "ranker", "query": texts[0], "documents": texts}
    bodies = [json.dumps(message).encode() for message in (embeddings, ranking, {"inputs": texts})]
    headers = {"content-type": "application/json"}
    embedded = function.post("/openai/v1/embeddings", bodies[0]).json()["data"]
    ranked = function.post("/v1/rerank", bodies[1]).json()["results"]
    labels = function.post(PREDICT, bodies[2], headers, model="reviews").json()
    assert len(texts) == len(embedded) == len(ranked) == len(labels)
    assert [*range(len(texts))] == sorted(result["index"] for result in ranked)
