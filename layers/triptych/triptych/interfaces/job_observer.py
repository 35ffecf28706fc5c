"""Watching jobs."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from triptych.jobs.job import Job


class ModelRun(NamedTuple):
    """One run of a model, for one job or several together.

    Attributes:
        model: Name of the model.
        version: Its version.
        jobs: How many jobs it was for.
        milliseconds: How long it took.
    """

    model: str
    version: int
    jobs: int
    milliseconds: float


class JobObserver(Protocol):
    """Makes logs and metrics of what becomes of jobs."""

    def job_submitted(self, job: Job) -> None:
        """A job was accepted."""
        ...

    def job_ran(self, job: Job, queue_milliseconds: float) -> None:
        """An attempt at a job ended: the job holds how.

        Args:
            job: The job after the attempt.
            queue_milliseconds: From the creation of the job to the start of the attempt.
        """
        ...

    def model_ran(self, run: ModelRun) -> None:
        """A model was run."""
        ...

    def job_ended(self, job: Job) -> None:
        """A job was ended by somebody who did not run it: expired, cancelled, a dead letter."""
        ...

    def batch_ended(self, messages: int, postponed: int) -> None:
        """A batch of messages was dealt with, and some of them come again."""
        ...

    def unexpected(self, error: Exception) -> None:
        """Something failed that should not: the log tells where."""
        ...
