"""Batches that are asked for over HTTP: tried out, looked at, cancelled."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.dropped_files import DroppedFiles, Json

CSV = (Path(__file__).parents[2] / "examples" / "penguins.csv").read_bytes()
FILES = 3


@pytest.fixture
def prefix(files: DroppedFiles) -> str:
    """What the keys of some files begin with that nobody else has; their own batches have ended."""
    prefix = f"penguins/{uuid4()}/"
    events = [files.drop(f"{prefix}{number}.csv", CSV) for number in range(FILES)]
    for event in events:
        files.ended(files.batch_of(event))
    return prefix


def test_all_files_under_a_prefix(files: DroppedFiles, prefix: str) -> None:
    """A batch of a prefix has all its files, each with its output, and tells about them."""
    batch = files.ended(_submitted(files, prefix=prefix, options={"format": "jsonl"})["id"])
    assert ("succeeded", FILES) == (batch["status"], batch["progress"]["files"]["done"]), batch
    assert {"read": 11 * FILES, "written": 11 * FILES, "failed": 0} == batch["progress"]["records"]
    assert [f"{prefix}{number}.csv" for number in range(FILES)] == [file["key"] for file in batch["files"]]
    assert 11 == len(files.output(f"{prefix}0.csv").splitlines())


def test_a_dry_run(files: DroppedFiles, prefix: str) -> None:
    """What a batch would do is told: its files, chunks, time and price."""
    answer = files.request("POST", "/v2/batches", json={"prefix": prefix, "dry_run": True})
    told = answer.json()
    assert (200, FILES, FILES * len(CSV)) == (answer.status_code, told["files"], told["bytes"])
    assert told["estimated_seconds"] > 0


def test_files_that_are_not_there(files: DroppedFiles, prefix: str) -> None:
    """A listed file that is missing costs the others nothing."""
    batch = files.ended(_submitted(files, keys=[f"{prefix}0.csv", f"{prefix}missing.csv"])["id"])
    assert "succeeded_with_errors" == batch["status"], batch
    assert ["succeeded", "failed"] == [file["status"] for file in batch["files"]]


def test_the_same_request_twice(files: DroppedFiles, prefix: str) -> None:
    """A submission that is sent again with its key is the same batch."""
    key = {"Idempotency-Key": str(uuid4())}
    sent = [files.request("POST", "/v2/batches", json={"prefix": prefix}, headers=key) for _ in range(2)]
    assert [202, 202] == [answer.status_code for answer in sent]
    assert 1 == len({answer.json()["id"] for answer in sent})


def _submitted(files: DroppedFiles, **said: object) -> Json:
    answer = files.request("POST", "/v2/batches", json=said)
    assert 202 == answer.status_code, answer.text
    batch: Json = answer.json()
    return batch
