"""Watching jobs."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from triptych.jobs.job import Job


class Run(NamedTuple):
    """One attempt at a job.

    Attributes:
        queue_milliseconds: From its creation to its start.
        inference_milliseconds: Spent in the model by all of its group; None when it was not run.
        group: Jobs that were run together with it, itself included.
    """

    queue_milliseconds: float
    inference_milliseconds: float | None
    group: int


class JobObserver(Protocol):
    """Makes logs and metrics of what becomes of jobs."""

    def job_submitted(self, job: Job) -> None:
        """A job was accepted."""
        ...

    def job_ran(self, job: Job, run: Run) -> None:
        """An attempt at a job ended: the job holds how."""
        ...

    def job_ended(self, job: Job) -> None:
        """A job was ended by somebody who did not run it: expired, cancelled, a dead letter."""
        ...

    def batch_ended(self, messages: int, retried: int) -> None:
        """A batch of messages was dealt with."""
        ...

    def unexpected(self, error: Exception) -> None:
        """Something failed that should not: the log tells where."""
        ...
