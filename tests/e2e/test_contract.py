"""The deployed stack does what the API's document says."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.build import TARGET
from local.stack import StackInfo
from tests.support.contract import EXAMPLES, LASTING, UNSERVED, Api, Example, violations


@pytest.fixture(scope="module")
def api(stack: StackInfo) -> Api:
    """The API of the stack."""
    return Api(stack.api_url, stack.api_key)


@pytest.mark.parametrize("example", LASTING, ids=lambda example: example.name)
def test_examples(api: Api, example: Example) -> None:
    """Every request of the document succeeds, with an answer of the shape that the document gives."""
    response = api.ask(example)
    assert response.status_code == example.status, response.text
    assert [] == violations(example.route, response)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_key(api: Api, example: Example) -> None:
    """Without a key, every route but the two of health answers 403 as documented."""
    response = Api(api.url, "wrong").ask(example)
    assert (200 if "/health/" in example.path else 403) == response.status_code
    assert [] == violations(example.route, response)


@pytest.mark.parametrize(("method", "path"), UNSERVED)
def test_unserved(api: Api, method: str, path: str) -> None:
    """What is not served says so in the protocol's shape of an error."""
    response = api.send(method, path)
    assert response.status_code == 501
    assert ["error"] == list(response.json())


def test_served_documents(api: Api) -> None:
    """The document and the page are served as they were made."""
    for name, path in (("openapi.json", "/openapi.json"), ("docs.html", "/docs")):
        served = api.send("GET", path)
        assert (TARGET / name).read_text() == served.text


def test_fuzz(api: Api, tmp_path: Path) -> None:
    """Schemathesis finds no request whose answer is not as documented."""
    assert not api.fuzz(examples=5, directory=tmp_path)
