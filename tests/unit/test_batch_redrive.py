"""Batches that are started again, and files that are given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from triptych.batches.batch import Batch, Status
from triptych.batches.submission import read_submission
from triptych.clock import Deadline
from triptych.errors import BadRequest, Conflict, DeadlineExceeded

from tests.support.batch_world import BatchWorld
from tests.unit.test_batch_uploads import BAD, HEAD, ROW

LOST = {"Error": "Runtime.ExitError", "Cause": "RequestId: 1"}
DAY = 86_400


@pytest.fixture
def world(tmp_path: Path) -> BatchWorld:
    """Gives a world with two files, one of them large."""
    world = BatchWorld(tmp_path)
    world.inputs.drop("penguins/large.csv", HEAD + 20 * ROW)
    world.inputs.drop("penguins/small.csv", HEAD + ROW + BAD)
    return world


def started(world: BatchWorld) -> Batch:
    """Starts a batch of both files."""
    return world.service.submit(read_submission({"prefix": "penguins/"}))


def planned(world: BatchWorld, batch: Batch) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Plans it, and gives chunks and joins that are left."""
    plan = world.machine.plan({"batch": batch.id}, Deadline.after(60))
    return world.listed(plan), world.listed(plan, "joins")


def done(world: BatchWorld, batch: Batch, chunks: list[dict[str, Any]]) -> None:
    """Does chunks to their end."""
    for chunk in chunks:
        answer: dict[str, Any] = {"batch": batch.id, "chunk": chunk, "done": False}
        while not answer["done"]:
            answer = world.machine.chunk(answer, Deadline.after(60))


def finished(world: BatchWorld, batch: Batch, joins: list[dict[str, Any]]) -> Batch:
    """Joins files and ends the batch."""
    for join in joins:
        world.machine.merge({"batch": batch.id, "join": join}, Deadline.after(60))
    world.machine.merge({"batch": batch.id, "finish": True}, Deadline.after(60))
    return world.store.batches[batch.id]


def test_a_lost_chunk_costs_its_file_only(world: BatchWorld) -> None:
    """A file of which a chunk ends every worker has failed, with a reason that may pass; others are done."""
    batch = started(world)
    chunks, joins = planned(world, batch)
    world.machine.merge({"batch": batch.id, "chunk": chunks[0], "failure": LOST}, Deadline.after(60))
    done(world, batch, chunks[1:])
    ended = finished(world, batch, joins)
    assert (Status.SUCCEEDED_WITH_ERRORS, 1) == (ended.status, ended.failed_files)
    lost, kept = world.store.outcomes(batch.id)
    assert lost.error is not None
    assert "perhaps for want of memory; redrive" in lost.error.message
    assert (True, None) == (lost.error.retryable, kept.error)
    assert "penguins/large.csv.out" not in world.outputs.keys
    assert ended.error is not None
    assert ended.error.message.startswith(
        "1 of 2 files failed for a reason that may pass; redrive the batch."
    )


def test_a_redrive_of_the_lost_file_only(world: BatchWorld) -> None:
    """A batch that has outputs is redriven for the file that it lost; the other one is left as it is."""
    batch = started(world)
    chunks, joins = planned(world, batch)
    world.machine.merge({"batch": batch.id, "chunk": chunks[0], "failure": LOST}, Deadline.after(60))
    done(world, batch, chunks[1:])
    finished(world, batch, joins)
    kept = world.outputs.find("penguins/small.csv.manifest.json")
    batch = world.service.redrive(batch.id)
    chunks, joins = planned(world, batch)
    assert {"penguins/large.csv"} == {chunk["file"]["key"] for chunk in chunks}
    assert "penguins/large.csv.manifest.json" not in world.outputs.keys, "it says that the file has failed"
    done(world, batch, chunks)
    ended = finished(world, batch, joins)
    assert (0, 2, 22, 21, None) == (ended.failed_files, ended.files, *ended.counts[:2], ended.error)
    assert kept == world.outputs.find("penguins/small.csv.manifest.json")
    assert [Status.SUCCEEDED_WITH_ERRORS] * 2 == [told.status for told in world.told]


def test_a_lost_join(world: BatchWorld) -> None:
    """A file whose parts cannot be joined has failed; to be told again changes nothing."""
    batch = started(world)
    chunks, (join,) = planned(world, batch)
    done(world, batch, chunks)
    for _ in range(2):
        world.machine.merge({"batch": batch.id, "join": join, "failure": LOST}, Deadline.after(60))
    assert 1 == finished(world, batch, [join]).failed_files


def test_only_what_is_missing_is_done_again(world: BatchWorld) -> None:
    """A batch that was given up half-way goes on from its parts, with the plan that it had."""
    batch = started(world)
    chunks, joins = planned(world, batch)
    done(world, batch, chunks[:5])
    runs = len(world.observer.runs)
    world.machine.merge({"batch": batch.id, "failure": LOST}, Deadline.after(60))
    batch = world.service.redrive(batch.id)
    again, joins_again = planned(world, batch)
    assert (chunks, joins) == (again, joins_again)
    done(world, batch, again)
    assert len(chunks) == runs + len(world.observer.runs[runs:])
    ended = finished(world, batch, joins)
    assert (Status.SUCCEEDED_WITH_ERRORS, 22, 21) == (ended.status, ended.counts.read, ended.counts.written)


def test_a_redrive_of_all_files(world: BatchWorld) -> None:
    """Files that failed for a reason that may pass are made again, and have their outputs then."""
    batch = started(world)
    chunks, joins = planned(world, batch)
    for chunk in chunks:
        world.machine.merge({"batch": batch.id, "chunk": chunk, "failure": LOST}, Deadline.after(60))
    assert Status.FAILED is finished(world, batch, joins).status
    batch = world.service.redrive(batch.id)
    chunks, joins = planned(world, batch)
    done(world, batch, chunks)
    ended = finished(world, batch, joins)
    assert (Status.SUCCEEDED_WITH_ERRORS, 0, 21) == (ended.status, ended.failed_files, ended.counts.written)


def test_a_redrive_too_late(world: BatchWorld) -> None:
    """Parts are deleted after some days: a batch that needs them is not started again."""
    batch = started(world)
    planned(world, batch)
    world.machine.merge({"batch": batch.id, "failure": LOST}, Deadline.after(60))
    world.clock.advance(6 * DAY)
    with pytest.raises(Conflict, match="submit it again"):
        world.service.redrive(batch.id)


@pytest.mark.parametrize("counts", [{"attempts": 1}, {"redrives": 1}])
def test_a_file_that_was_begun_before_it_was_planned(world: BatchWorld, counts: dict[str, Any]) -> None:
    """What a function made of a file before it handed it over is gone on with, in one chunk."""
    batch, file = world.dropped("penguins/a.csv", HEAD + 20 * ROW)
    (chunk,) = world.chunks(batch, file, 10**6)
    world.store.batches[batch.id] = batch = batch._replace(status=Status.PLANNING, **counts)
    world.transformer.run(batch, chunk._replace(end=chunk.start + 5 * len(ROW)), Deadline.after(60))
    made = world.store.part(batch.id, 0, chunk.start)
    assert made is not None
    world.store.kept_parts[batch.id, 0, chunk.start] = made._replace(last=False)
    chunks, joins = planned(world, batch)
    assert (1, []) == (len(chunks), joins)
    done(world, batch, chunks)
    assert 20 == finished(world, batch, []).counts.written


@pytest.mark.parametrize(
    ("error", "kind"),
    [(BadRequest("too many"), "BadRequest"), (DeadlineExceeded("late"), "DeadlineExceeded")],
)
def test_what_cannot_be_planned(
    world: BatchWorld, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    """A batch that cannot be planned ends with the reason, and leaves nothing to do."""

    def plan(*_: object) -> None:
        raise error

    batch = started(world)
    monkeypatch.setattr(world.planner, "plan", plan)
    answer = world.machine.plan({"batch": batch.id}, Deadline.after(60))
    assert (0, 0) == (answer["chunks"]["count"], answer["joins"]["count"])
    ended = finished(world, batch, [])
    assert ended.error is not None
    assert (Status.FAILED, kind, False) == (ended.status, ended.error.type, ended.error.retryable)


def test_a_batch_that_was_stopped(world: BatchWorld) -> None:
    """Workers of a cancelled batch end without an error, and nothing is published."""
    batch = started(world)
    chunks, joins = planned(world, batch)
    world.service.cancel(batch.id)
    done(world, batch, chunks)
    assert Status.CANCELLED is finished(world, batch, joins).status
    assert [] == world.outputs.keys
