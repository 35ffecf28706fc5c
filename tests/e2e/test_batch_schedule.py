"""The nightly batch of all new files, and word of executions, in the deployed application."""

from __future__ import annotations

import json
from pathlib import Path

from triptych.batches.batch import scheduled_id

from tests.support.dropped_files import DroppedFiles

ROOT = Path(__file__).parents[2]
PENGUINS = (ROOT / "examples" / "penguins.csv").read_bytes()
PREFIX = "penguins/by-night/"


def test_a_night_without_work(files: DroppedFiles) -> None:
    """What was transformed already is left alone at night, and a night that is told twice is one batch."""
    for name in "ab":
        files.transformed(f"{PREFIX}{name}.csv", PENGUINS)
    event = {"schedule": {"prefix": PREFIX, "time": "2026-11-24T02:00:00Z"}}
    for _ in range(2):
        files.invoke("BatchFunction", event)
    ended = files.ended(scheduled_id(*event["schedule"].values()))
    assert ("succeeded", 0) == (ended["status"], ended["progress"]["files"]["total"])
    assert {"prefix": PREFIX, "only_new": True} == ended["source"]


def test_a_night_with_work(files: DroppedFiles) -> None:
    """Files whose manifests are gone are transformed again, all of them in one batch."""
    event = json.loads((ROOT / "events" / "batch-schedule.json").read_text())
    prefix, time = event["schedule"].values()
    for name in "cd":
        files.transformed(f"{prefix}{name}.csv", PENGUINS)
        files.forget(f"{prefix}{name}.csv")
    files.invoke("BatchFunction", event)
    ended = files.ended(scheduled_id(prefix, time))
    assert ("succeeded", 2, 22) == (
        ended["status"],
        ended["progress"]["files"]["total"],
        ended["progress"]["records"]["written"],
    )


def test_an_execution_of_a_batch_that_has_ended(files: DroppedFiles) -> None:
    """Word of an execution whose batch has ended, or that nobody knows, changes nothing."""
    batch = files.batch_of(files.drop(f"{PREFIX}e.csv", PENGUINS))
    before = files.ended(batch)
    event = json.loads((ROOT / "events" / "batch-execution-ended.json").read_text())
    files.invoke("BatchFunction", event)
    event["detail"] |= {"name": batch, "input": json.dumps({"batch": batch})}
    files.invoke("BatchFunction", event)
    assert before["status"] == files.batch(batch)["status"]
