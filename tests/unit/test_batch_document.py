"""Batches as their callers see them: status, progress, pace, links."""

import json

import pytest
from hypothesis import given
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.document import SHOWN, Progress, document, file_documents, file_status, progress_of
from triptych.batches.file import FileOutcome, Part
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure
from triptych.protocol.json_document import dump
from triptych.rows.options import BatchOptions

from tests.support.batch_strategies import batches, outcomes, parts

NOW = 1_767_225_600_000
ERROR = Failure("BadRequest", "wrong columns", retryable=False)
RUNNING = Batch(
    "id",
    "digits",
    3,
    BatchSource(prefix="digits/", only_new=True),
    BatchOptions(join="all", tolerance=0.5),
    NOW,
    "nightly",
    Status.RUNNING,
    started=NOW + 1000,
    files=2,
    chunks=10,
)
HALF = Progress(Counts(1000, 990, 10), 4, 1, 0)


def test_running() -> None:
    """A running batch tells how far it is, how fast, and how long it may still take."""
    assert {
        "id": "id",
        "status": "running",
        "model": "digits",
        "version": "3",
        "source": {"prefix": "digits/", "only_new": True},
        "options": {"join": "all", "tolerance": 0.5},
        "target": "nightly",
        "created_at": "2026-01-01T00:00:00.000Z",
        "started_at": "2026-01-01T00:00:01.000Z",
        "attempts": 0,
        "redrives": 0,
        "progress": {
            "records": {"read": 1000, "written": 990, "failed": 10},
            "chunks": {"done": 4, "total": 10},
            "files": {"done": 1, "failed": 0, "total": 2},
        },
        "records_per_second": 50.0,
        "seconds_left": 30,
    } == json.loads(dump(document(RUNNING, NOW + 21_000, HALF)))


def test_new() -> None:
    """Of a new batch nothing is told that is not known."""
    batch = Batch("id", None, None, BatchSource(("a.csv", "b.csv")), BatchOptions(), NOW)
    assert {
        "id": "id",
        "status": "queued",
        "source": {"keys": ["a.csv", "b.csv"], "count": 2},
        "created_at": "2026-01-01T00:00:00.000Z",
        "attempts": 0,
        "redrives": 0,
    } == document(batch, NOW)


def test_no_pace_yet() -> None:
    """Nothing is guessed before a chunk is done."""
    described = document(RUNNING, NOW + 21_000, HALF._replace(chunks=0))
    assert "seconds_left" not in described
    assert "records_per_second" not in document(RUNNING, NOW + 1000, HALF)


def test_ended() -> None:
    """What the record says of a batch that has ended stays true when its parts are deleted."""
    ended = RUNNING._replace(
        status=Status.FAILED, ended=NOW + 11_000, counts=Counts(2000, 0, 2000), failed_files=2, error=ERROR
    )
    described = document(ended, NOW + 10**9)
    assert {
        "records": {"read": 2000, "written": 0, "failed": 2000},
        "chunks": {"total": 10},
        "files": {"done": 2, "failed": 2, "total": 2},
    } == described["progress"]
    assert (200.0, ERROR._asdict()) == (described["records_per_second"], described["error"])
    assert "seconds_left" not in described


def test_succeeded() -> None:
    """All chunks of a batch that succeeded are done, whoever looks."""
    done = RUNNING._replace(status=Status.SUCCEEDED, ended=NOW + 11_000, counts=Counts(5, 5, 0))
    told = document(done, NOW)["progress"]
    assert isinstance(told, dict)
    assert {"done": 10, "total": 10} == told["chunks"]


def test_stopped() -> None:
    """A batch that was cancelled tells how far it came."""
    cancelled = RUNNING._replace(status=Status.CANCELLED, ended=NOW + 21_000)
    assert document(RUNNING, NOW, HALF)["progress"] == document(cancelled, NOW, HALF)["progress"]


def test_progress() -> None:
    """Progress is counted by what is kept: chunks are done with their last part."""
    part = Part(0, 0, False, 0, 5, Counts(5, 4, 1, 2), None, 0, None, (), "", 1, 1, 1)
    made = [part, part._replace(start=5, last=True), part._replace(chunk=1, start=9)]
    done = FileOutcome(1, "k", Counts(9, 9, 0), None, None, "m")
    known = progress_of(made, [done, done._replace(number=2, error=ERROR)])
    assert Progress(Counts(15, 12, 3, 6), 1, 2, 1) == known


@pytest.mark.parametrize(
    ("counts", "failed", "status"),
    [
        (Counts(3, 3, 0), False, Status.SUCCEEDED),
        (Counts(3, 2, 1), False, Status.SUCCEEDED_WITH_ERRORS),
        (Counts(3, 3, 0), True, Status.FAILED),
    ],
)
def test_states_of_files(counts: Counts, failed: bool, status: Status) -> None:  # noqa: FBT001 - a case
    """A file ends like a batch of its own."""
    assert status is file_status(counts, failed=failed)


def test_files() -> None:
    """Each file links to what was made of it; of many only the first are shown."""
    done = FileOutcome(0, "a.csv", Counts(3, 2, 1, 4), "a.out", "a.errors", "a.manifest")
    wrong = FileOutcome(1, "b.csv", Counts(), None, None, "b.manifest", ERROR)
    assert [
        {
            "key": "a.csv",
            "status": "succeeded_with_errors",
            "records": {"read": 3, "written": 2, "failed": 1},
            "filled_cells": 4,
            "output": "s3://b/a.out",
            "errors": "s3://b/a.errors",
            "manifest": "s3://b/a.manifest",
        },
        {
            "key": "b.csv",
            "status": "failed",
            "records": {"read": 0, "written": 0, "failed": 0},
            "manifest": "s3://b/b.manifest",
            "error": ERROR._asdict(),
        },
    ] == file_documents([done, wrong], "s3://b/{}".format)
    assert SHOWN == len(file_documents([done] * (SHOWN + 1), str))


@given(batches(), parts(), outcomes())
def test_any_batch(batch: Batch, part: Part, outcome: FileOutcome) -> None:
    """Any record can be shown, at any time."""
    described = json.loads(dump(document(batch, NOW, progress_of([part], [outcome]))))
    assert (batch.id, batch.status.value) == (described["id"], described["status"])
    assert described.get("seconds_left", 0) >= 0
