"""OpenAI's own client, unmodified, against the deployed stack."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import numpy as np
import openai
import pytest

from local.stack import StackInfo

TEXTS = ["a strong coffee", "green tea", "dark roasted espresso beans"]


@pytest.fixture(scope="module")
def client(stack: StackInfo) -> Iterator[openai.OpenAI]:
    """The client, with the stack's key in the stack's header."""
    headers = {"x-api-key": stack.api_key}
    with openai.OpenAI(base_url=f"{stack.api_url}/openai/v1", api_key="-", default_headers=headers) as client:
        yield client


@pytest.mark.parametrize("encoding", ["float", None])
def test_embeddings(client: openai.OpenAI, encoding: str | None) -> None:
    """Texts come back as vectors of length 1, of which like ones are near each other."""
    wanted = {} if encoding is None else {"extra_body": {"encoding_format": encoding}}
    answer = client.embeddings.create(model="search", input=TEXTS, **wanted)  # type: ignore[arg-type] # JSON
    vectors = np.array([entry.embedding for entry in answer.data])
    assert (len(TEXTS), 48) == vectors.shape
    assert [1.0] * len(TEXTS) == pytest.approx(np.linalg.norm(vectors, axis=1), abs=1e-3)
    coffee, tea, espresso = vectors
    assert coffee @ espresso > coffee @ tea
    assert ("search:1", True) == (answer.model, answer.usage.total_tokens > len(TEXTS))


def test_models(client: openai.OpenAI) -> None:
    """The client lists the models of the stack."""
    assert {"reviews", "search"} <= {model.id for model in client.models.list()}


def test_errors(client: openai.OpenAI) -> None:
    """A failure reaches the client's user as its exception, with our message."""
    with pytest.raises(openai.NotFoundError, match="unknown model 'serch'"):
        client.embeddings.create(model="serch", input="tea")
    stranger = client.with_options(default_headers={"x-api-key": "wrong"})
    with pytest.raises(openai.PermissionDeniedError):
        stranger.embeddings.create(model="search", input="tea")


def test_rerank(stack: StackInfo) -> None:
    """Documents are ranked behind the gateway as well."""
    query, *documents = TEXTS
    message = {"model": "search", "query": query, "documents": documents}
    answer = httpx.post(
        f"{stack.api_url}/v1/rerank", json=message, headers={"x-api-key": stack.api_key}, timeout=60
    )
    assert [1, 0] == [result["index"] for result in answer.json()["results"]]
