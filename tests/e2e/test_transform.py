"""`make transform`: a file of one's own, and what is made of it beside it."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from local import transform as command
from local.build import ROOT
from local.failure import LocalFailure
from local.stack import StackInfo
from local.transform import transform


@pytest.fixture
def file(stack: StackInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of rows, while the stack of the tests counts as the one that `make up` left."""
    stack.write(tmp_path / "stack.json")
    monkeypatch.setattr(command, "STACK_FILE", tmp_path / "stack.json")
    return Path(shutil.copy(ROOT / "examples" / "penguins.csv", tmp_path / "own.csv"))


def test_files_are_fetched(file: Path) -> None:
    """Predictions and manifest lie beside the file afterwards, made with the options."""
    shown = StringIO()
    transform(Console(file=shown), "penguins", file, ["join=island", "outputs=species"])
    assert "island,species" == file.with_name("own.csv.out").read_text().splitlines()[0]
    assert 11 == json.loads(file.with_name("own.csv.manifest.json").read_text())["records"]["written"]
    assert "succeeded" in shown.getvalue()
    assert not file.with_name("own.csv.errors.jsonl").exists()


def test_a_failure_says_why(file: Path) -> None:
    """A file that cannot be transformed ends with the reason, and has a manifest."""
    with pytest.raises(LocalFailure, match="unknown model 'rose'"):
        transform(Console(file=StringIO()), "rose", file, [])
    assert "failed" == json.loads(file.with_name("own.csv.manifest.json").read_text())["status"]


@pytest.mark.parametrize(
    ("name", "option", "message"), [("no.csv", "join=all", "no file"), ("own.csv", "x", "x")]
)
def test_mistakes(file: Path, name: str, option: str, message: str) -> None:
    """A missing file, or an option without a value, is told before anything is dropped."""
    with pytest.raises(LocalFailure, match=message):
        transform(Console(file=StringIO()), "penguins", file.with_name(name), [option])


def test_without_a_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing runs, the message says what starts it."""
    monkeypatch.setattr(command, "STACK_FILE", tmp_path / "none.json")
    with pytest.raises(LocalFailure, match="make up"):
        transform(Console(file=StringIO()), "penguins", ROOT / "examples" / "penguins.csv", [])
