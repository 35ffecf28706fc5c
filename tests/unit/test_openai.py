"""Embeddings as OpenAI's clients ask for them: by its own client, and by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
from triptych.http.openai import MAX_INPUTS
from triptych.http.routes import realtime_routes

from tests.support.gateway import Gateway, serve
from tests.support.realtime import Answer, Call, RealtimeFunction
from tests.support.task_models import TASKS, add_task_models
from tests.support.text_exports import SIZE, VECTORS, add_export, encoder, tokens

KEY = "key-of-the-tests"
TEXTS = ["good film", "not a good film", "", "Ada in Berlin"]


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function over a model of each task."""
    models = tmp_path_factory.mktemp("models")
    add_task_models(models)
    return RealtimeFunction(models)


@pytest.fixture(scope="module")
def client(function: RealtimeFunction) -> Iterator[openai.OpenAI]:
    """The client, as it comes."""
    with serve(Gateway(dict.fromkeys(realtime_routes(), function), KEY)) as url:
        headers = {"x-api-key": KEY}
        yield openai.OpenAI(base_url=f"{url}/openai/v1", api_key="-", default_headers=headers, max_retries=0)


def mean(text: str) -> Any:  # noqa: ANN401 - an array
    """Returns the embedding of a text."""
    return VECTORS[tokens(text)].mean(axis=0)


def asked(function: RealtimeFunction, **message: object) -> Answer:
    """Posts a message."""
    return function.post("/openai/v1/embeddings", json.dumps(message).encode())


def failed(function: RealtimeFunction, **message: object) -> tuple[int, dict[str, Any]]:
    """Returns status and error of a message."""
    answer = asked(function, **message)
    assert ["error"] == list(answer.json())
    return answer.status, answer.json()["error"]


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_client(client: openai.OpenAI, encoding: Any) -> None:  # noqa: ANN401 - one of its literals
    """The client gets an embedding for each text, in their order, whatever it asks for by default."""
    wanted = {} if encoding is None else {"encoding_format": encoding}
    answer = client.embeddings.create(model="search", input=TEXTS, **wanted)
    vectors = [entry.embedding for entry in answer.data]
    if encoding == "base64":  # the client hands on what it was asked for
        vectors = [np.frombuffer(base64.b64decode(str(text)), "<f4").tolist() for text in vectors]
    np.testing.assert_allclose([mean(text) for text in TEXTS], vectors, rtol=1e-5)
    assert [*range(len(TEXTS))] == [entry.index for entry in answer.data]
    assert sum(len(tokens(text)) for text in TEXTS) == answer.usage.prompt_tokens == answer.usage.total_tokens
    assert ("search:1", "list") == (answer.model, answer.object)


def test_client_with_tokens(client: openai.OpenAI) -> None:
    """Tokens of one text, or of several, are taken as they are."""
    ids = [tokens("good film"), tokens("bad")]
    both = client.embeddings.create(model="search:1", input=ids)
    one = client.embeddings.create(model="search:1", input=ids[0])
    np.testing.assert_allclose(mean("good film"), both.data[0].embedding, rtol=1e-5)
    np.testing.assert_allclose(mean("bad"), both.data[1].embedding, rtol=1e-5)
    assert both.data[0].embedding == pytest.approx(one.data[0].embedding)
    assert (len(ids[0]) + len(ids[1]), len(ids[0])) == (both.usage.total_tokens, one.usage.total_tokens)


def test_client_lists_models(client: openai.OpenAI) -> None:
    """The client lists the models of the repository."""
    assert sorted(TASKS) == [model.id for model in client.models.list()]


def test_client_without_key(client: openai.OpenAI) -> None:
    """What the gateway refuses by itself reaches the client with its message."""
    stranger = client.with_options(default_headers={"x-api-key": "wrong"})
    with pytest.raises(openai.PermissionDeniedError) as refused:
        stranger.embeddings.create(model="search", input="good")
    assert "the header x-api-key is missing or holds no valid API key" == refused.value.body


def test_client_reads_errors(client: openai.OpenAI) -> None:
    """A failure reaches the client's user as its exception, with our message, field and code."""
    with pytest.raises(openai.NotFoundError, match="unknown model 'serch'") as unknown:
        client.embeddings.create(model="serch", input="good")
    assert "model_not_found" == unknown.value.code
    with pytest.raises(openai.BadRequestError, match="dimensions: embeddings of the model have 4") as size:
        client.embeddings.create(model="search", input="good", dimensions=3)
    assert ("dimensions", "invalid_request_error") == (size.value.param, size.value.type)


@pytest.mark.parametrize(("dimensions", "size"), [(None, SIZE), (SIZE, SIZE), (2, 2)])
def test_dimensions(function: RealtimeFunction, dimensions: int | None, size: int) -> None:
    """An embedding has its own size, or one that `matryoshka_dimensions` of `config.json` declares."""
    (entry,) = asked(function, model="search", input="good film", dimensions=dimensions).json()["data"]
    assert mean("good film")[:size] == pytest.approx(entry["embedding"])


def test_cut_embeddings_have_length_one(tmp_path: Path) -> None:
    """What is cut off is cut off before the length becomes 1; `is_matryoshka` allows any size."""
    modules = [
        {"type": f"sentence_transformers.models.{name}", "path": ""} for name in ("Pooling", "Normalize")
    ]
    add_export(tmp_path, "unit", encoder(), {"is_matryoshka": True}, modules=modules)
    message = {"model": "unit", "input": "good film", "dimensions": 3}
    (entry,) = asked(RealtimeFunction(tmp_path), **message).json()["data"]
    cut = mean("good film")[:3]
    assert cut / np.linalg.norm(cut) == pytest.approx(entry["embedding"], rel=1e-5)


def test_statistics(function: RealtimeFunction) -> None:
    """Texts, and failures, count as those of other routes do."""

    def counted() -> tuple[int, int]:
        (entry,) = function.get("/v2/models/{model}/stats", model="search").json()["model_stats"]
        return entry["inference_count"], entry["inference_stats"]["fail"]["count"]

    texts, failures = counted()
    asked(function, model="search", input=["good", "bad"])
    failed(function, model="search", input=[])
    assert (texts + 2, failures + 1) == counted()


@pytest.mark.parametrize(
    ("message", "param", "words"),
    [
        ({}, "model", "expected the name of a model, or name:version, got null"),
        ({"model": ["search"], "input": "a"}, "model", "got an array"),
        ({"model": "reviews", "input": "a"}, "model", "is for the task 'text-classification'"),
        ({"model": "search"}, "input", "expected text, an array of texts"),
        ({"model": "search", "input": []}, "input", "got an empty array"),
        ({"model": "search", "input": ["a", 1]}, "input", "got an array of something else"),
        ({"model": "search", "input": [True]}, "input", "got an array of something else"),
        ({"model": "search", "input": [[1.5]]}, "input", "got an array of something else"),
        ({"model": "search", "input": {"text": "a"}}, "input", "got an object"),
        (
            {"model": "search", "input": "a", "encoding_format": "hex"},
            "encoding_format",
            "expected one of float, base64",
        ),
        ({"model": "search", "input": "a", "dimensions": 0}, "dimensions", "a whole number from 1"),
        ({"model": "search", "input": "a", "dimensions": True}, "dimensions", "a whole number from 1"),
        ({"model": "search", "input": "a", "dimensions": 8}, "dimensions", "matryoshka_dimensions of 8"),
        ({"model": "search:x", "input": "a"}, None, "version 'x': expected a positive integer"),
        ({"model": "search", "inputs": "a"}, None, "unknown field 'inputs' (did you mean 'input'?)"),
        ({"model": "search", "input": [[]]}, None, "row 1: expected 1 to 16 tokens, got 0"),
        ({"model": "search", "input": [[2], [1] * 17]}, None, "row 2: expected 1 to 16 tokens, got 17"),
        ({"model": "search", "input": [2, -1]}, None, "token -1 is none of the 12"),
        ({"model": "search", "input": [2, 10**30]}, "input", "got an array of something else"),
        ({"model": "search", "input": [2, 100257]}, None, "send text, if another tokenizer made the tokens"),
    ],
)
def test_mistakes(function: RealtimeFunction, message: dict[str, Any], param: str | None, words: str) -> None:
    """A mistake is a 400 that names the field and says what is expected."""
    status, error = failed(function, **message)
    assert (400, param, "invalid_request_error", None) == (
        status, error["param"], error["type"], error["code"]
    )  # fmt: skip
    assert words in error["message"]


def test_too_many(function: RealtimeFunction) -> None:
    """More texts than OpenAI takes are too many."""
    assert 200 == asked(function, model="search", input=["a"] * MAX_INPUTS).status
    status, error = failed(function, model="search", input=["a"] * (MAX_INPUTS + 1))
    assert (400, True) == (status, "expected at most 2048 texts, got 2049" in error["message"])


def test_own_code(tmp_path: Path) -> None:
    """A model with code of its own is not asked past it."""
    add_export(tmp_path, "cleaned", encoder(), {})
    (tmp_path / "cleaned" / "model.py").write_text("def preprocess(rows):\n    return rows\n")
    status, error = failed(RealtimeFunction(tmp_path), model="cleaned", input="a")
    assert (400, True) == (status, "'cleaned' has code of its own" in error["message"])


def test_other_failures(function: RealtimeFunction) -> None:
    """Whatever fails on these routes has the same form."""
    bad_json = function.post("/openai/v1/embeddings", b"{")
    unknown = function.handle(Call("GET", "/openai/v1/models", query={"raw": "true"}).event())
    assert [400, 400] == [bad_json.status, unknown.status]
    for answer in (bad_json, unknown):
        assert {"message", "type", "param", "code"} == answer.json()["error"].keys()
