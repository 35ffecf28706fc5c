"""What must hold once all messages are dealt with."""

from __future__ import annotations

from collections.abc import Callable

from triptych.jobs.job import Job, JobResult, Status

from tests.support.job_machine_bodies import Body, same
from tests.support.job_machine_history import end_of
from tests.support.job_machine_world import BATCH, World
from tests.support.realtime import Answer

_ROUNDS = 60
_LATER = 15 * 86_400


def finish(world: World) -> None:
    """Lets everything come to its end: no fault any more, every message delivered, time for the sweep."""
    world.every = 0
    world.collect()
    for _ in range(_ROUNDS):
        if not world.queue.messages and not world.letters.messages:
            break
        for queue, deliver in ((world.queue, world.deliver), (world.letters, world.bury)):
            for first in range(0, len(queue.messages), BATCH):
                picks = list(range(first, min(first + BATCH, len(queue.messages))))
                world.suffer(lambda: deliver(picks), None, lambda: None)  # noqa: B023 - called at once
        world.clock.advance(60)
    for _ in range(3):
        world.clock.advance(_LATER)
        world.sweep()


def check(world: World, expected: Callable[[Body], Answer]) -> None:
    """Holds the world against all that must hold.

    Args:
        world: The world, after its end.
        expected: Gives what real time answers.
    """
    jobs = world.account.jobs()
    assert [] == world.history.wrong, "\n".join(world.history.wrong)
    assert [] == world.queue.messages + world.letters.messages
    assert set() == world.accepted.keys() - jobs.keys()
    assert [] == [job for job in jobs.values() if not job.final or job.attended_until]
    assert [] == [job for job in jobs.values() if job.status is Status.FAILED and job.error is None]
    assert [] == [job for job in jobs.values() if job.status is Status.SUCCEEDED and job.error]
    assert set() == world.history.shown - world.history.ends
    for who in ("sns", "events"):
        assert set() == world.history.ends - world.history.told[who]
    heard = {
        (told["job"]["id"], told["job"]["redrives"], told["job"]["status"]) for told in world.account.told()
    }
    assert world.history.told["sns"] >= heard >= {end_of(job) for job in jobs.values()}
    _check_results(world, jobs, expected)
    for job in jobs.values():
        _check_api(world, job)


def _check_results(world: World, jobs: dict[str, Job], expected: Callable[[Body], Answer]) -> None:
    results = world.account.results()
    assert [] == [job for job in jobs.values() if (job.status is Status.SUCCEEDED) != bool(job.result)]
    stored = {job.result.location for job in jobs.values() if job.result and job.result.location}
    assert stored == results.keys()
    for job_id, body in world.accepted.items():
        if body is not None:
            _check_outcome(jobs[job_id], expected(body), results)


def _check_outcome(job: Job, answer: Answer, results: dict[str, bytes]) -> None:
    if job.status is Status.SUCCEEDED:
        assert job.result is not None
        assert 200 == answer.status, job
        content = content_of(job.result, results)
        assert same(answer, content, job.result.content_type, job.result.header_length), job
    if job.error is not None and answer.status == 200:
        assert job.error.retryable, job


def _check_api(world: World, job: Job) -> None:
    shown = world.call("GET", "/v2/jobs/{id}", {"id": job.id})
    assert (200, job.status.value) == (shown.status, shown.json()["status"])
    result = world.call("GET", "/v2/jobs/{id}/result", {"id": job.id})
    if job.result is None:
        assert (409, job.status.value) == (result.status, result.json()["status"])
    else:
        content = content_of(job.result, world.account.results())
        assert (200, content) == (result.status, result.body)


def content_of(result: JobResult, stored: dict[str, bytes]) -> bytes:
    """Returns a result from its record, or from the results in S3 by location."""
    return stored[str(result.location)] if result.body is None else result.body
