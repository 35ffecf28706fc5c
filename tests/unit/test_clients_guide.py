"""The commands of the guide for clients of other APIs get what it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from triptych.http.routes import realtime_routes

from tests.support.contract import comparable
from tests.support.gateway import Gateway, serve
from tests.support.realtime import RealtimeFunction

ROOT = Path(__file__).parents[2]
KEY = "key-of-the-tests"
EXAMPLES = re.findall(
    r"```sh\n(.*?)```\n\n```json\n(.*?)```", (ROOT / "docs/clients.md").read_text(), re.DOTALL
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the function over the models that ship with the stack."""
    function = RealtimeFunction(ROOT / "layers/models")
    with serve(Gateway(dict.fromkeys(realtime_routes(), function), KEY)) as url:
        yield url


@pytest.mark.parametrize(("command", "answer"), EXAMPLES)
def test_the_guide_shows_what_happens(url: str, command: str, answer: str) -> None:
    """Every command gets the answer beside it; processors may differ in the last digits."""
    environment = {**os.environ, "URL": url, "KEY": KEY}
    run = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, check=True)  # noqa: S603, S607 - our own page
    assert comparable(json.loads(answer)) == comparable(json.loads(run.stdout))


def test_there_are_commands() -> None:
    """None of the commands is missed."""
    assert 4 == len(EXAMPLES) == (ROOT / "docs/clients.md").read_text().count("```sh")
