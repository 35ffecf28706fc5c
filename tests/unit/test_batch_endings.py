"""How batches end: by what became of their files, once, and told until somebody was."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.file import FileOutcome
from triptych.batches.service import BatchService, StateMachine
from triptych.batches.store import BatchStorage
from triptych.batches.transitions import cancelled, handed_over, planned, redriven
from triptych.errors import Conflict, NotFound, ServiceUnavailable
from triptych.inference.piece import Counts
from triptych.lifecycle.finalize import Finalizer
from triptych.lifecycle.record import Failure
from triptych.rows.options import BatchOptions

from tests.support.batch_fakes import MemoryBatches, MemoryPredictions, MemoryWorkflow, WatchedBatches
from tests.support.job_fakes import NOW, JobClock, MemoryNotifier, MemoryQueue

NEW = Batch("id", None, None, BatchSource(("m/a.csv",)), BatchOptions(), NOW)
RUNNING = planned(handed_over(NEW, NOW), 1, 1)
DONE = FileOutcome(0, "m/a.csv", Counts(3, 3, 0), "m/a.csv.out", None, "m/a.csv.manifest.json")
ERROR = Failure("ServiceUnavailable", "not now", retryable=True)


@dataclass
class World:
    """The service of batches over stores in memory."""

    store: MemoryBatches = field(default_factory=MemoryBatches)
    notifier: MemoryNotifier[Batch] = field(default_factory=MemoryNotifier[Batch])
    observer: WatchedBatches = field(default_factory=WatchedBatches)
    clock: JobClock = field(default_factory=JobClock)

    def __post_init__(self) -> None:
        bucket: Any = None  # no file is read
        storage = BatchStorage(self.store, bucket, bucket, bucket, MemoryPredictions())
        machine = StateMachine(MemoryWorkflow(), MemoryQueue())
        finalizer = Finalizer(self.store, self.notifier)
        self.service = BatchService(storage, finalizer, machine, self.observer, self.clock)


@pytest.fixture
def world() -> World:
    """A batch of one file is running."""
    made = World()
    made.store.add(RUNNING)
    return made


def test_finished(world: World) -> None:
    """A batch whose files are done succeeds; that is told, remembered as told, and seen."""
    world.store.add_outcome("id", DONE)
    ended = world.service.finish("id")
    assert (Status.SUCCEEDED, Counts(3, 3, 0), NOW) == (ended.status, ended.counts, ended.ended)
    assert [ended] == world.notifier.published == world.observer.ended
    assert ended._replace(notified=True, revision=ended.revision + 1) == world.store.existing("id")


def test_finished_again(world: World) -> None:
    """Whoever ends a batch that has ended changes nothing and tells nobody."""
    world.store.add_outcome("id", DONE)
    world.service.finish("id")
    once = world.store.existing("id")
    assert once == world.service.finish("id") == world.service.fail("id", ERROR)
    assert once == world.store.existing("id")
    assert (1, 1) == (len(world.notifier.published), len(world.observer.ended))


def test_told_later(world: World) -> None:
    """An end that could not be told is told when the batch is ended once more."""
    world.store.add_outcome("id", DONE)
    world.notifier.broken = "no topic"
    with pytest.raises(ServiceUnavailable, match="no topic"):
        world.service.finish("id")
    assert (Status.SUCCEEDED, False) == (
        world.store.existing("id").status,
        world.store.existing("id").notified,
    )
    world.notifier.broken = None
    world.service.finish("id")
    assert 1 == len(world.notifier.published) == len(world.observer.ended)
    assert world.store.existing("id").notified


def test_failed(world: World) -> None:
    """A batch that is given up has failed, with the reason."""
    ended = world.service.fail("id", ERROR)
    assert (Status.FAILED, ERROR) == (ended.status, ended.error)
    assert [ended] == world.notifier.published


def test_cancelled_meanwhile(world: World) -> None:
    """A batch that was cancelled while its last file was written stays cancelled."""
    world.store.move(world.store.existing("id"), lambda batch: cancelled(batch, NOW))
    world.store.add_outcome("id", DONE)
    assert Status.CANCELLED is world.service.finish("id").status
    assert [Status.CANCELLED] == [batch.status for batch in world.notifier.published]


def test_redriven_while_it_is_told(world: World) -> None:
    """What was redriven before its end was marked as told is not marked."""
    failed = world.service.fail("id", ERROR)
    world.store.move(world.store.existing("id"), redriven)
    world.service.finalize(failed)
    assert not world.store.existing("id").notified


def test_nothing_begun(world: World) -> None:
    """A batch that nobody has begun with is not finished; one that is not there neither."""
    world.store.add(NEW._replace(id="new"))
    with pytest.raises(Conflict, match="batch new is queued: it cannot end"):
        world.service.finish("new")
    with pytest.raises(NotFound, match="there is no batch 'none'; records are deleted"):
        world.service.finish("none")
