"""Records that change while others change them as well, and what follows from their end."""

from functools import partial

import pytest
from triptych.batches.batch import IDS as BATCH_IDS
from triptych.errors import Conflict, NotFound, ServiceUnavailable
from triptych.jobs import transitions
from triptych.jobs.job import IDS as JOB_IDS
from triptych.jobs.job import Job, JobResult, Status
from triptych.lifecycle.finalize import at_most_every
from triptych.lifecycle.record import Failure, notified
from triptych.lifecycle.store import record_of

from tests.support.unsure_jobs import Lost
from tests.support.workshop import Workshop, sums

PASSING = Failure("ServiceUnavailable", "not now", retryable=True)


def failed(workshop: Workshop) -> Job:
    """Makes a job that failed, which nobody was told yet."""
    job = workshop.submit(sums())
    return workshop.store.move(job, lambda found: transitions.failed(found, workshop.clock(), PASSING))


def test_a_move_goes_on_from_what_is_there(workshop: Workshop) -> None:
    """Whoever read a record before it was changed moves the changed one."""
    old = workshop.submit(sums())
    lease = workshop.clock() + 1000
    workshop.store.move(old, lambda job: transitions.started(job, workshop.clock(), lease))
    moved = workshop.store.move(old, lambda job: transitions.cancelled(job, workshop.clock()))
    assert (Status.CANCELLED, 1, 2) == (moved.status, moved.attempts, moved.revision)
    assert moved == workshop.job(old)


def test_a_move_that_is_not_allowed_any_more(workshop: Workshop) -> None:
    """What others made of the job meanwhile decides."""
    old = workshop.submit(sums())
    workshop.service.cancel(old.id)
    with pytest.raises(Conflict, match="is cancelled: it cannot fail"):
        workshop.store.move(old, lambda job: transitions.failed(job, workshop.clock(), PASSING))


def test_a_move_whose_answer_was_lost(workshop: Workshop) -> None:
    """A write that the client made twice is one move, not a conflict with itself."""
    job = workshop.submit(sums())
    workshop.store.lost = [Lost.REPEATED]
    moved = workshop.store.move(job, lambda found: transitions.cancelled(found, workshop.clock()))
    assert (moved, 1) == (workshop.job(job), moved.revision)


def test_a_record_that_others_change_all_the_time(workshop: Workshop) -> None:
    """A move gives up after some tries."""
    job = workshop.submit(sums())

    def busy(found: Job) -> Job:
        workshop.store.jobs[job.id] = found._replace(revision=found.revision + 7)
        return transitions.cancelled(found, workshop.clock())

    with pytest.raises(ServiceUnavailable, match="changed by others all the time"):
        workshop.store.move(job, busy)


def test_a_record_that_is_gone(workshop: Workshop) -> None:
    """There is nothing to move."""
    job = workshop.submit(sums())
    del workshop.store.jobs[job.id]
    with pytest.raises(NotFound, match="there is no job"):
        workshop.store.move(job, lambda found: transitions.cancelled(found, workshop.clock()))


def test_settling(workshop: Workshop) -> None:
    """A job that did not succeed leaves no result, and its end is told once."""
    job = failed(workshop)
    workshop.results.put(job, b"late", JobResult("", "text/csv", None, 0, 1))
    workshop.finalizer.finalize(job)
    workshop.finalizer.finalize(workshop.job(job))
    assert (0, ["failed"], True) == (len(workshop.results), workshop.told(job), workshop.job(job).notified)


def test_settling_goes_on_where_it_failed(workshop: Workshop) -> None:
    """What was not told, or not marked, is told again."""
    job = failed(workshop)
    workshop.notifier.broken = "no topic"
    with pytest.raises(ServiceUnavailable):
        workshop.finalizer.finalize(job)
    assert not workshop.job(job).notified
    workshop.notifier.broken = None
    workshop.finalizer.finalize(job)
    assert (["failed"], True) == (workshop.told(job), workshop.job(job).notified)


def test_an_old_end_does_not_pass_for_a_new_one(workshop: Workshop) -> None:
    """Who told the end before a redrive does not mark the end after it as told."""
    job = failed(workshop)
    again = partial(workshop.store.move, job)

    def redriven_and_failed() -> None:
        workshop.store.jobs[job.id] = notified(job)
        again(lambda found: transitions.redriven(found, found.expires))
        again(lambda found: transitions.failed(found, workshop.clock(), PASSING))

    workshop.store.between = redriven_and_failed
    workshop.finalizer.finalize(job)
    assert (1, False) == (workshop.job(job).redrives, workshop.job(job).notified)


def test_looking_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that is asked for all the time is made once in its time, counted from when it was made last."""
    now = [100.0]
    monkeypatch.setattr("triptych.lifecycle.finalize.time.monotonic", lambda: now[0])
    looks: list[float] = []
    look = at_most_every(5.0, lambda: looks.append(now[0]))
    for seconds in (0.0, 4.9, 0.1, 4.9, 3.0, 2.5, 4.6):
        now[0] += seconds
        look()
    assert [105.0, 112.9, 120.0] == [round(at, 1) for at in looks]


def test_a_flag_that_is_none() -> None:
    """A record is not read from values of another kind, even where Python would take them."""
    values = {"type": "BadRequest", "message": "no", "retryable": True}
    assert Failure("BadRequest", "no", retryable=True) == record_of(Failure, values)
    with pytest.raises(ValueError, match="expected a bool, got 'yes'"):
        record_of(Failure, {**values, "retryable": "yes"})


def test_keys_of_two_nouns() -> None:
    """The same key of a job and of a batch makes two ids, and each says what used it."""
    assert JOB_IDS.derived("a", "k") == JOB_IDS.derived("a", "k") != BATCH_IDS.derived("a", "k")
    assert JOB_IDS.derived("a", "b/c") != JOB_IDS.derived("a/b", "c")
    assert "the idempotency key was used for batch x," in str(BATCH_IDS.key_used("x"))
