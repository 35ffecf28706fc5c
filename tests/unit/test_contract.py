"""The handler behind a small stand-in for API Gateway does what the API's document says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from triptych.http.routes import ROUTES

from tests.support.contract import EXAMPLES, ROOT, UNSERVED, Api, Example, comparable, violations
from tests.support.gateway import Gateway, serve
from tests.support.realtime import RealtimeFunction

KEY = "key-of-the-tests"


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """The whole application with the models that ship with the stack."""
    function = RealtimeFunction(ROOT / "layers" / "models")
    with serve(Gateway(function, ROUTES, KEY)) as url:
        yield Api(url, KEY)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples(api: Api, example: Example) -> None:
    """Every request of the document succeeds, with an answer of the shape that the document gives."""
    response = api.ask(example)
    assert response.status_code == 200, response.text
    assert [] == violations(example.route, response)


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.answer], ids=lambda example: example.name)
def test_answers(api: Api, example: Example) -> None:
    """An answer in the document is what really comes back."""
    assert example.answer is not None
    assert comparable(example.answer) == comparable(api.ask(example).text)


@pytest.mark.parametrize(("method", "path"), UNSERVED)
def test_unserved(api: Api, method: str, path: str) -> None:
    """What is not served says so in the protocol's shape of an error."""
    response = api.send(method, path)
    assert response.status_code == 501
    assert ["error"] == list(response.json())


def test_fuzz(api: Api, tmp_path: Path) -> None:
    """Schemathesis finds no request whose answer is not as documented."""
    assert not api.fuzz(examples=25, directory=tmp_path)
