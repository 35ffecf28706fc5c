"""The state machine of a job: pure functions from a record to the next one.

```
            ┌────────── released ──────────┐
            v                              │
 new ──> queued ──────── started ──────> running ──┬─> succeeded
            │  ^                           │  ^    ├─> failed ──── redriven ──> queued
            │  └─── redriven (failed)      │  └─ started again, once the lease is over
            ├──> failed                    ├─> cancelled
            ├──> cancelled                 └─> expired, once the lease is over
            └──> expired
```

Each function raises `Conflict` where the status of the job does not allow it, and counts the revision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from triptych.errors import Conflict
from triptych.jobs.job import Job, JobResult, Status
from triptych.lifecycle.failure import Failure

Transition = Callable[[Job], Job]


def started(job: Job, now: int, lease: int) -> Job:
    """A worker begins to run it, and has until `lease` to end.

    Raises:
        Conflict: It has ended, or another worker is running it.
    """
    if job.status is Status.RUNNING and leased(job, now):
        raise Conflict(f"job {job.id} is being run already")
    _expect(job, "run", Status.QUEUED, Status.RUNNING)
    return _next(job, status=Status.RUNNING, started=now, lease=lease, attempts=job.attempts + 1)


def succeeded(job: Job, now: int, result: JobResult) -> Job:
    """Its result was written.

    Raises:
        Conflict: It is not running.
    """
    _expect(job, "succeed", Status.RUNNING)
    return _ended(job, now, Status.SUCCEEDED, result=result, error=None)


def failed(job: Job, now: int, error: Failure) -> Job:
    """It will have no result.

    Raises:
        Conflict: It has ended.
    """
    _expect(job, "fail", Status.QUEUED, Status.RUNNING)
    return _ended(job, now, Status.FAILED, error=error)


def released(job: Job, error: Failure) -> Job:
    """An attempt did not succeed for a reason that may pass: it waits for the next one.

    Raises:
        Conflict: It is not running.
    """
    _expect(job, "be retried", Status.RUNNING)
    return _next(job, status=Status.QUEUED, lease=None, error=error)


def not_started(job: Job) -> Job:
    """There was no time to run it: it waits on, and the attempt does not count.

    Raises:
        Conflict: It is not running.
    """
    _expect(job, "wait on", Status.RUNNING)
    return _next(job, status=Status.QUEUED, lease=None, attempts=job.attempts - 1)


def cancelled(job: Job, now: int) -> Job:
    """Its caller cancelled it.

    Raises:
        Conflict: It has ended.
    """
    _expect(job, "be cancelled", Status.QUEUED, Status.RUNNING)
    return _ended(job, now, Status.CANCELLED)


def expired(job: Job, now: int) -> Job:
    """It was not started in time.

    Raises:
        Conflict: It has ended, its time is not over, or a worker is running it.
    """
    _expect(job, "expire", Status.QUEUED, Status.RUNNING)
    if not overdue(job, now):
        raise Conflict(f"job {job.id} has not expired")
    return _ended(job, now, Status.EXPIRED)


def redriven(job: Job, expires: int) -> Job:
    """It failed for a reason that may have passed, and is queued again as if it were new.

    Raises:
        Conflict: It has not failed, or would fail again.
    """
    _expect(job, "be redriven", Status.FAILED)
    if job.error is None or not job.error.retryable:
        raise Conflict(
            f"job {job.id} would fail again: {job.error.message if job.error else 'no reason is known'}"
        )
    return _next(
        job,
        status=Status.QUEUED,
        expires=expires,
        attempts=0,
        redrives=job.redrives + 1,
        started=None,
        ended=None,
        lease=None,
        error=None,
        notified=False,
    )


def notified(job: Job) -> Job:
    """Subscribers were notified of its end.

    Raises:
        Conflict: It has not ended.
    """
    if not job.final:
        raise Conflict(f"job {job.id} is {job.status}: there is no end to notify of yet")
    return _next(job, notified=True)


def overdue(job: Job, now: int) -> bool:
    """Returns whether it should have been started by now, and no worker is running it."""
    return not job.final and now >= job.expires and not leased(job, now)


def leased(job: Job, now: int) -> bool:
    """Returns whether a worker is running it, and has time left."""
    return job.status is Status.RUNNING and now < (job.lease or 0)


def _ended(job: Job, now: int, status: Status, **changes: Any) -> Job:  # noqa: ANN401 - fields of a job
    return _next(job, status=status, ended=now, lease=None, **changes)


def _next(job: Job, **changes: Any) -> Job:  # noqa: ANN401 - fields of a job
    return job._replace(revision=job.revision + 1, **changes)


def _expect(job: Job, action: str, *statuses: Status) -> None:
    if job.status not in statuses:
        raise Conflict(f"job {job.id} is {job.status}: it cannot {action}")
