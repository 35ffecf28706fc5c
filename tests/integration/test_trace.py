"""`make trace` shows the real flows, from the handler to the model."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

import pytest

ROOT = Path(__file__).parents[2]
SESSION = "models/session.py"


class Flow(TypedDict):
    """Functions by file, and the files from the handler to the model, at most ten."""

    files: dict[str, list[str]]
    way: list[str]


@pytest.fixture(scope="module")
def flows() -> dict[str, Flow]:
    """The three flows, traced in another process: handlers read the environment when imported."""
    command = [sys.executable, "-m", "tests.trace", "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - our own arguments
    assert run.returncode == 0, run.stderr
    read: dict[str, Flow] = json.loads(run.stdout)
    return read


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("request", "functions/realtime/"),
        ("job", "functions/async/"),
        ("chunk", "functions/batch/"),
    ],
)
def test_from_handler_to_session(flows: dict[str, Flow], name: str, folder: str) -> None:
    """A flow begins in its handler, runs the model, by way of files that it passes."""
    files, way = flows[name]["files"], flows[name]["way"]
    assert way[0].startswith(folder)
    assert way[0] == next(iter(files))
    assert SESSION == way[-1]
    assert set(way) <= files.keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "heading"), [("request", "A request"), ("job", "A job"), ("chunk", "A chunk of a file")]
)
def test_page_shows_the_way(flows: dict[str, Flow], name: str, heading: str) -> None:
    """docs/architecture.md lists the files from the handler to the model, at most ten."""
    _, _, section = (ROOT / "docs/architecture.md").read_text().partition(f"\n### {heading}\n")
    listed = re.findall(r"^\d+\. `([\w./-]+)`", section.partition("\n#")[0], re.MULTILINE)
    assert flows[name]["way"] == listed
    assert len(listed) <= 10


@pytest.mark.slow
def test_modes_do_not_meet(flows: dict[str, Flow]) -> None:
    """A request passes no file of jobs or batches, a job none of batches, and a chunk none of jobs."""
    folders = {name: {file.split("/")[0] for file in flow["files"]} for name, flow in flows.items()}
    assert not folders["request"] & {"jobs", "batches"}
    assert "jobs" in folders["job"]
    assert "batches" not in folders["job"]
    assert "batches" in folders["chunk"]
    assert "jobs" not in folders["chunk"]
