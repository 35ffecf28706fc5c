"""When a job is given up: by its attempts, never by how long it waits for its turn."""

import json
from collections.abc import Mapping
from typing import Any

from triptych.errors import ModelUnavailable
from triptych.jobs.job import Job, Status
from triptych.protocol.tensors import Tensor

from tests.support.job_fakes import NOW
from tests.support.workshop import ATTEMPTS, SECONDS, Workshop, sums

LARGE_ROWS = 3_000_000  # 6 MB: too large for memory
TOO_SHORT = 4.0  # seconds; a large job needs five to begin


class Crash(BaseException):
    """The process ends."""


def unavailable(_: Mapping[str, Tensor]) -> None:
    """Fails for a reason that may pass."""
    raise ModelUnavailable("not now")


def deliver(workshop: Workshop) -> None:
    """Delivers all messages of the queue of jobs, to a worker that may end."""
    try:
        workshop.work()
    except Crash:
        workshop.clock.advance(SECONDS + 10)


def states(workshop: Workshop, jobs: list[Job]) -> set[str]:
    """Returns the states that jobs are in."""
    return {workshop.job(job).status.value for job in jobs}


def test_given_up_after_its_attempts(workshop: Workshop) -> None:
    """The last attempt that fails sends the job to the dead letters at once, with its input."""
    job = workshop.submit(sums())
    workshop.hooks.before = [unavailable]
    for _ in range(ATTEMPTS):
        assert [] == workshop.letters.sent
        workshop.work()
    assert [] == workshop.deliveries()
    workshop.give_up(workshop.letters.deliveries(workshop.clock()))
    ended = workshop.job(job)
    assert ended.error is not None
    assert (Status.FAILED, ATTEMPTS, True) == (ended.status, ended.attempts, ended.error.retryable)
    assert ended.input is not None
    assert sums() == workshop.inputs.fetch(ended.input, 2**20).body


def test_waiting_is_no_attempt(workshop: Workshop) -> None:
    """A job that has no turn in a worker's time comes again at once, however often, and loses nothing."""
    job = workshop.submit(b"index\n" + b"0\n" * LARGE_ROWS, "lookup", content_type="text/csv")
    for _ in range(3 * ATTEMPTS):
        assert {0} == set(workshop.work(seconds=TOO_SHORT).values())
    assert (Status.QUEUED, 0) == (workshop.job(job).status, workshop.job(job).attempts)
    workshop.work()
    assert (Status.SUCCEEDED, 1) == (workshop.job(job).status, workshop.job(job).attempts)
    assert [] == workshop.letters.sent


def test_innocents_beside_many_poisons(workshop: Workshop) -> None:
    """Whatever ends its worker is given up in the end; the others of its batch succeed."""

    def deadly(inputs: Mapping[str, Tensor]) -> None:
        if any((tensor.values == 13).any() for tensor in inputs.values()):
            raise Crash

    workshop.hooks.before = [deadly]
    poisons = [workshop.submit(sums(13.0)) for _ in range(5)]
    innocents = [workshop.submit(sums(float(number))) for number in range(14, 34)]
    for _ in range(5 * len(poisons) * ATTEMPTS):
        deliver(workshop)
        if not workshop.deliveries():
            break
    workshop.give_up(workshop.letters.deliveries(workshop.clock()))
    assert ({"failed"}, {"succeeded"}) == (states(workshop, poisons), states(workshop, innocents))


def test_a_forged_message(workshop: Workshop) -> None:
    """A message that names a job of somebody else and another input leaves that job as it is."""
    job = workshop.submit(sums(5.0))
    real: dict[str, Any] = json.loads(workshop.deliveries()[0].body)
    workshop.queue.send(json.dumps({**real, "digest": "0" * 64, "body_base64": "e30="}))
    workshop.work()
    assert Status.SUCCEEDED is workshop.job(job).status
    others = [found for found in workshop.store if found.id != job.id]
    assert ["Conflict"] == [found.error.type for found in others if found.error]


def test_time_in_the_queue_counts(workshop: Workshop) -> None:
    """A job of a message is as old as the message."""
    message = {"model": "adder", "request": json.loads(sums()), "time_to_live": 60}
    workshop.queue.send(json.dumps(message))
    (delivery,) = workshop.deliveries()
    workshop.work([delivery._replace(sent=NOW - 61_000)])
    (job,) = workshop.store
    assert (NOW - 61_000, Status.EXPIRED) == (job.created, job.status)
