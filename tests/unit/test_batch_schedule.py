"""Batches that a schedule starts, and executions that end without a word of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.events import execution_of, schedule_of
from triptych.batches.steps import batch_failure
from triptych.clock import Deadline
from triptych.errors import BadRequest, ServiceUnavailable

from tests.support.batch_world import BatchWorld
from tests.unit.test_batch_uploads import BAD, HEAD, ROW

EVENTS = Path(__file__).parents[2] / "events"
NIGHT = "2026-11-24T02:00:00Z"


@pytest.fixture
def world(tmp_path: Path) -> BatchWorld:
    """Gives an empty world."""
    return BatchWorld(tmp_path)


def event(name: str) -> dict[str, Any]:
    """Reads an event."""
    read: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return read


def running(world: BatchWorld) -> Batch:
    """Starts a batch."""
    return world.service.schedule("penguins/", NIGHT)


def test_events() -> None:
    """The scheduler tells prefix and time, EventBridge whose execution ended and why."""
    assert ("penguins/nightly/", NIGHT) == schedule_of(event("batch-schedule"))
    batch = "3e1f5a52-8c0d-4b7a-9d35-6f1c2b7e9a10"
    why = batch_failure({"Error": "Stopped", "Cause": "somebody stopped the execution"})
    assert (batch, batch, why) == execution_of(event("batch-execution-ended"))
    assert (None, None) == (schedule_of({"Records": []}), execution_of({"Records": []}))


@pytest.mark.parametrize("said", [1, {}, {"prefix": "a"}, {"prefix": "a", "time": 1}])
def test_what_is_no_schedule(said: object) -> None:
    """A schedule without prefix or time is refused."""
    with pytest.raises(BadRequest, match="expected"):
        schedule_of({"schedule": said})


@pytest.mark.parametrize("detail", [None, {}, {"input": "x", "name": "n", "status": "FAILED"}])
def test_what_is_no_execution(detail: object) -> None:
    """An event that does not tell whose execution ended is refused."""
    with pytest.raises(BadRequest, match="whose execution ended"):
        execution_of({"detail-type": "Step Functions Execution Status Change", "detail": detail})


def test_a_night(world: BatchWorld) -> None:
    """A schedule starts a batch of all new files, once however often it is told."""
    first, again = running(world), running(world)
    assert (first.id, 1) == (again.id, len(world.store))
    assert {first.id: first.id} == world.workflow.started
    assert BatchSource(prefix="penguins/", only_new=True) == first.source
    assert Status.PLANNING is first.status


def test_two_nights(world: BatchWorld) -> None:
    """What was transformed in one night is left alone in the next; a night without files is a success."""
    world.inputs.drop("penguins/a.csv", HEAD + ROW + BAD)
    ends = list[Batch]()
    for day in (24, 25):
        batch = world.service.schedule("penguins/", f"2026-11-{day}T02:00:00Z")
        for chunk in world.listed(world.machine.plan({"batch": batch.id}, Deadline.after(60))):
            world.machine.chunk({"batch": batch.id, "chunk": chunk}, Deadline.after(60))
        world.machine.merge({"batch": batch.id, "finish": True}, Deadline.after(60))
        ends.append(world.store.batches[batch.id])
    assert [(Status.SUCCEEDED_WITH_ERRORS, 1, 2), (Status.SUCCEEDED, 0, 0)] == [
        (batch.status, batch.files, batch.counts.read) for batch in ends
    ]


def test_a_night_without_a_state_machine(world: BatchWorld) -> None:
    """A batch that could not be started is started when the schedule tells again."""
    world.workflow.broken = "no state machine"
    with pytest.raises(ServiceUnavailable):
        running(world)
    world.workflow.broken = None
    assert Status.PLANNING is running(world).status


def execution_ended(world: BatchWorld, name: str, batch_id: str, error: str, cause: str) -> None:
    """Delivers the event of the end of an execution."""
    detail = {"name": name, "input": json.dumps({"batch": batch_id}), "error": error, "cause": cause}
    event = {"detail-type": "Step Functions Execution Status Change", "detail": detail}
    assert world.trigger.process(event, Deadline.after(60)) is None


@pytest.mark.parametrize(
    ("error", "cause", "message"),
    [
        ("TIMED_OUT", "", "it took longer than it may"),
        ("ABORTED", "", "somebody stopped its execution"),
        ("States.Runtime", "no such path", "States.Runtime: no such path"),
    ],
)
def test_an_execution_that_ended(world: BatchWorld, error: str, cause: str, message: str) -> None:
    """A batch whose execution was killed has failed, with a reason, and can be redriven."""
    batch = running(world)
    for _ in range(2):
        execution_ended(world, batch.id, batch.id, error, cause)
    ended = world.store.batches[batch.id]
    assert ended.error is not None
    assert (Status.FAILED, True, 1) == (ended.status, ended.error.retryable, len(world.told))
    assert message in ended.error.message


def test_an_execution_of_the_time_before(world: BatchWorld) -> None:
    """A late word about an execution does not end the one that took its place."""
    batch = running(world)
    execution_ended(world, batch.id, batch.id, "ABORTED", "")
    world.service.redrive(batch.id)
    execution_ended(world, batch.id, batch.id, "ABORTED", "")
    assert Status.PLANNING is world.store.batches[batch.id].status
    execution_ended(world, f"{batch.id}-1", batch.id, "ABORTED", "")
    assert Status.FAILED is world.store.batches[batch.id].status


def test_an_execution_of_a_batch_that_has_ended(world: BatchWorld) -> None:
    """A batch that was cancelled, or that nobody knows, stays as it is."""
    batch = running(world)
    world.service.cancel(batch.id)
    execution_ended(world, batch.id, batch.id, "ABORTED", "")
    execution_ended(world, "x", "x", "ABORTED", "")
    assert Status.CANCELLED is world.store.batches[batch.id].status
