"""A batch that nobody started is started or ended by its reminder, without anybody's call."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from triptych.batches.batch import Batch, Status
from triptych.batches.events import reminder_of
from triptych.batches.submission import read_submission
from triptych.errors import BadRequest, ServiceUnavailable

from tests.support.batch_world import BatchWorld
from tests.support.crashes import Cloud, Crash, Fuse
from tests.unit.test_batch_uploads import HEAD, ROW

SUBMISSION = read_submission({"prefix": "penguins/"})


def reminded(world: BatchWorld) -> None:
    """Delivers all reminders."""
    for message, delay in world.queue.sent:
        batch_id = reminder_of(orjson.loads(message))
        assert batch_id is not None
        assert delay > 28, "the function that sent it may still be at work"
        world.service.remind(batch_id)


def submitted(world: BatchWorld) -> Batch:
    """Submits a batch without an idempotency key."""
    return world.service.submit(SUBMISSION)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_crash_at_every_call(tmp_path: Path, after: bool) -> None:  # noqa: FBT001 - of the test
    """Wherever the call that makes a batch dies, there is no batch, or one that ends as it should."""
    fuse = Fuse()
    submitted(Cloud(tmp_path / "whole", fuse).world)
    assert {"send", "add", "start", "swap"} <= set(fuse.calls)
    made = 0
    for at, name in enumerate(fuse.calls):
        cloud = Cloud(tmp_path / str(at), Fuse(at, after))
        cloud.world.inputs.drop("penguins/a.csv", HEAD + ROW)
        with pytest.raises(Crash):
            submitted(cloud.world)
        reminded(cloud.world)
        for batch_id in cloud.world.workflow.started.values():
            cloud.execute(batch_id)
        states = [batch.status for batch in cloud.world.store.batches.values()]
        assert states in ([], [Status.SUCCEEDED]), f"ended at {name}"
        made += len(states)
    assert made > 0


def test_a_batch_that_cannot_be_started(tmp_path: Path) -> None:
    """Without the state machine the reminder ends the batch as failed, with a reason; it can be redriven."""
    world = BatchWorld(tmp_path)
    world.inputs.drop("penguins/a.csv", HEAD + ROW)
    batch = submitted(world)
    world.store.batches[batch.id] = batch._replace(status=Status.QUEUED, execution=None)
    world.workflow.broken = "no state machine"
    reminded(world)
    ended = world.store.batches[batch.id]
    assert ended.error is not None
    assert (Status.FAILED, True, 1) == (ended.status, ended.error.retryable, len(world.told))
    assert "it could not be started: no state machine; redrive the batch" == ended.error.message
    world.workflow.broken = None
    assert Status.PLANNING is world.service.redrive(batch.id).status


def test_a_batch_that_was_started(tmp_path: Path) -> None:
    """A reminder of a batch that is under way, has ended, or was never recorded changes nothing."""
    world = BatchWorld(tmp_path)
    batch = submitted(world)
    reminded(world)
    assert batch == world.store.batches[batch.id]
    cancelled = world.service.cancel(batch.id)
    reminded(world)
    assert cancelled.status is world.store.batches[batch.id].status
    world.service.remind("3e1f5a52-8c0d-4b7a-9d35-6f1c2b7e9a10")
    assert {batch.id: batch.id} == world.workflow.started


def test_without_records(tmp_path: Path) -> None:
    """Where records cannot be read, the reminder comes again."""
    world = BatchWorld(tmp_path)
    submitted(world)
    world.store.broken = "no table"
    with pytest.raises(ServiceUnavailable, match="no table"):
        reminded(world)


def test_events() -> None:
    """A reminder names its batch; other events are none."""
    assert reminder_of({"Records": []}) is None
    with pytest.raises(BadRequest, match="id of a batch"):
        reminder_of({"start": 1})
