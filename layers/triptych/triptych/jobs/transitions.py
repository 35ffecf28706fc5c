"""The state machine of a job: pure functions from a record to its next revision.

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

Each raises `Conflict` where the drawing has no arrow for it. All times are milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from triptych.errors import Conflict
from triptych.jobs.job import Job, JobResult, Status
from triptych.lifecycle.record import Failure, as_new, changed, expect

Transition = Callable[[Job], Job]


def started(job: Job, now: int, lease: int) -> Job:
    """A worker begins to run it, and has it for itself until `lease`."""
    if job.status is Status.RUNNING and leased(job, now):
        raise Conflict(f"job {job.id} is being run already")
    expect(job, "run", Status.QUEUED, Status.RUNNING)
    return changed(job, status=Status.RUNNING, started=now, lease=lease, attempts=job.attempts + 1)


def succeeded(job: Job, now: int, result: JobResult) -> Job:
    """Its result was written."""
    expect(job, "succeed", Status.RUNNING)
    return _ended(job, now, Status.SUCCEEDED, result=result, error=None)


def failed(job: Job, now: int, error: Failure) -> Job:
    """It will have no result."""
    expect(job, "fail", Status.QUEUED, Status.RUNNING)
    return _ended(job, now, Status.FAILED, error=error)


def released(job: Job, error: Failure) -> Job:
    """An attempt did not succeed for a reason that may pass: it waits for the next one."""
    expect(job, "be retried", Status.RUNNING)
    return changed(job, status=Status.QUEUED, lease=None, error=error)


def not_started(job: Job) -> Job:
    """There was no time to run it: it waits on, and the attempt does not count."""
    expect(job, "wait on", Status.RUNNING)
    return changed(job, status=Status.QUEUED, lease=None, attempts=job.attempts - 1)


def cancelled(job: Job, now: int) -> Job:
    """Its caller cancelled it."""
    expect(job, "be cancelled", Status.QUEUED, Status.RUNNING)
    return _ended(job, now, Status.CANCELLED)


def expired(job: Job, now: int) -> Job:
    """It was not started in time; a job that a worker is running does not expire."""
    expect(job, "expire", Status.QUEUED, Status.RUNNING)
    if not overdue(job, now):
        raise Conflict(f"job {job.id} has not expired")
    return _ended(job, now, Status.EXPIRED)


def redriven(job: Job, expires: int) -> Job:
    """It failed for a reason that may have passed, and is queued again as if it were new."""
    expect(job, "be redriven", Status.FAILED)
    return as_new(job, status=Status.QUEUED, expires=expires)


def overdue(job: Job, now: int) -> bool:
    """Returns whether it should have been started by now, and no worker is running it."""
    return not job.final and now >= job.expires and not leased(job, now)


def leased(job: Job, now: int) -> bool:
    """Returns whether a worker is running it, and has time left."""
    return job.status is Status.RUNNING and now < (job.lease or 0)


def _ended(job: Job, now: int, status: Status, **changes: Any) -> Job:  # noqa: ANN401 - fields of a job
    return changed(job, status=status, ended=now, lease=None, **changes)
