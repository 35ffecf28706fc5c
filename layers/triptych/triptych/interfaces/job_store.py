"""Where the records of jobs are kept. Every method raises `ServiceUnavailable` when it cannot be reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from triptych.jobs.job import Job


class Page(NamedTuple):
    """Some jobs, and where to go on.

    Attributes:
        jobs: The jobs.
        next: What asks for the page after this one; None when there is none.
    """

    jobs: Sequence[Job]
    next: str | None


class JobStore(Protocol):
    """Keeps the records of jobs. A read gives what was written last, but for pages and overdue ids."""

    def get(self, job_id: str) -> Job | None:
        """Gives a record; None when there is none."""
        ...

    def add(self, job: Job) -> bool:
        """Keeps a new record; False, and nothing is done, when there is one with its id."""
        ...

    def replace(self, job: Job) -> bool:
        """Puts a record in place of its last revision; False, and nothing is done, when that is not there."""
        ...

    def remove(self, job: Job) -> bool:
        """Removes a record; False, and nothing is done, when the one that is there has another revision."""
        ...

    def newest(self, *, model: str | None, after: str | None, limit: int) -> Page:
        """Lists records, newest first.

        Args:
            model: Only jobs of this model.
            after: `next` of the page before, or `Job.place` of the last job that was wanted of it.
            limit: At most so many.

        Raises:
            BadRequest: `after` is not what a page gave.
        """
        ...

    def unattended(self, now: int, limit: int) -> Sequence[str]:
        """Gives ids of jobs that somebody must look after: `attended_until` is over.

        Args:
            now: Milliseconds since 1970.
            limit: At most so many.
        """
        ...
