"""Messages that gave up: each ends its job with the reason, or leaves it to somebody else."""

from triptych.aws.queue import Delivery
from triptych.jobs import transitions
from triptych.jobs.job import Job, Status

from tests.support.workshop import HOUR, Workshop, sums

MESSAGE_ID = "7d0c1b1e-0f3e-4a53-8a8c-2f5f6a0d9b11"


def begun(workshop: Workshop, job: Job) -> Job:
    """Begins an attempt that has a minute."""
    lease = workshop.clock() + 60_000
    return workshop.store.move(job, lambda found: transitions.started(found, workshop.clock(), lease))


def test_never_begun(workshop: Workshop) -> None:
    """The job fails, and may be queued again: its input is kept."""
    job = workshop.submit(sums())
    assert [None] == list(workshop.give_up().values())
    ended = workshop.job(job)
    assert ended.error is not None
    assert ("WorkerEnded", True) == (ended.error.type, ended.error.retryable)
    assert sums() == workshop.inputs.objects[ended.input or ""].body
    assert (["failed"], [job.id]) == (workshop.told(job), [found.id for found in workshop.observer.ended])
    workshop.service.redrive(job.id, HOUR)
    workshop.work()
    assert ["failed", "succeeded"] == workshop.told(job)


def test_being_run(workshop: Workshop) -> None:
    """A copy of the message is being worked on: the letter waits until that has ended."""
    job = begun(workshop, workshop.submit(sums()))
    assert [61] == list(workshop.give_up().values())
    assert Status.RUNNING is workshop.job(job).status
    workshop.clock.advance(60)
    assert [None] == list(workshop.give_up().values())
    assert Status.FAILED is workshop.job(job).status


def test_begun_meanwhile(workshop: Workshop) -> None:
    """Who begins the job between look and write has it."""
    job = workshop.submit(sums())
    workshop.store.between = lambda: begun(workshop, job)
    assert [None] != list(workshop.give_up().values())
    assert (Status.RUNNING, []) == (workshop.job(job).status, workshop.told(job))


def test_ended_meanwhile(workshop: Workshop) -> None:
    """How it ended stays."""
    job = workshop.submit(sums())
    workshop.store.between = lambda: workshop.service.cancel(job.id)
    workshop.give_up()
    assert [None] == list(workshop.give_up().values())
    assert (Status.CANCELLED, ["cancelled"]) == (workshop.job(job).status, workshop.told(job))


def test_expired_already(workshop: Workshop) -> None:
    """Whoever looked at it was told that it has expired, and that stays true."""
    job = workshop.submit(sums())
    workshop.clock.advance(HOUR)
    assert [None] == list(workshop.give_up().values())
    assert ["expired"] == workshop.told(job)


def test_a_letter_from_before_a_redrive(workshop: Workshop) -> None:
    """It does not end the job that has a new message, and is not needed any more."""
    job = workshop.submit(sums())
    letters = workshop.deliveries()
    workshop.give_up(letters)
    workshop.service.redrive(job.id, HOUR)
    assert [None] == list(workshop.give_up(letters).values())
    assert Status.QUEUED is workshop.job(job).status
    workshop.work()
    assert (Status.SUCCEEDED, ["failed", "succeeded"]) == (workshop.job(job).status, workshop.told(job))


def test_a_letter_from_after_a_redrive(workshop: Workshop) -> None:
    """It ends the job again."""
    job = workshop.submit(sums())
    workshop.give_up()
    workshop.service.redrive(job.id, HOUR)
    assert [None] == list(workshop.give_up().values())
    assert ["failed", "failed"] == workshop.told(job)
    assert (1, Status.FAILED) == (workshop.job(job).redrives, workshop.job(job).status)


def test_a_message_that_cannot_be_read(workshop: Workshop) -> None:
    """It is a failed job, which keeps what was sent; a redrive would not help."""
    delivery = Delivery(MESSAGE_ID, "nonsense", "receipt", 6, workshop.clock())
    for _ in range(2):
        assert [None] == list(workshop.give_up([delivery]).values())
    (job,) = workshop.store
    assert job.error is not None
    assert ("BadRequest", False, ["failed"]) == (job.error.type, job.error.retryable, workshop.told(job))
    assert b"nonsense" == workshop.inputs.objects[job.input or ""].body


def test_what_cannot_be_done_now(workshop: Workshop) -> None:
    """The letter comes again, and goes on where it was."""
    job = workshop.submit(sums())
    for keeper in (workshop.store, workshop.inputs, workshop.results, workshop.notifier):
        keeper.broken = "not now"
        assert [None] != list(workshop.give_up().values())
        keeper.broken = None
    assert [None] == list(workshop.give_up().values())
    assert (["failed"], True) == (workshop.told(job), workshop.job(job).notified)


def test_the_reason_of_the_last_attempt(workshop: Workshop) -> None:
    """It is told, with the number of attempts."""
    job = workshop.submit(sums())
    workshop.results.broken = "no bucket"
    workshop.work()
    workshop.work()
    workshop.results.broken = None
    workshop.give_up()
    error = workshop.job(job).error
    assert error is not None
    assert ("ServiceUnavailable", "given up after 2 attempts; the last one: no bucket", True) == error
