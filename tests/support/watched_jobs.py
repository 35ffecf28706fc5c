"""Telemetry of jobs that remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

from triptych.jobs.job import Job
from triptych.jobs.telemetry import JobTelemetry


@dataclass
class WatchedJobs(JobTelemetry):
    """Telemetry that remembers.

    Attributes:
        submitted: Jobs that were accepted.
        ran: Jobs after each attempt, and the milliseconds until it started.
        runs: Model, version, number of jobs and milliseconds of each run of a model.
        ended: Jobs that somebody else ended.
        batches: Messages and how many of them come again, for each batch.
        failures: What failed unexpectedly.
    """

    submitted: list[Job] = field(default_factory=list)
    ran: list[tuple[Job, float]] = field(default_factory=list)
    runs: list[tuple[str, int, int, float]] = field(default_factory=list)
    ended: list[Job] = field(default_factory=list)
    batches: list[tuple[int, int]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def job_submitted(self, job: Job) -> None:
        """A job was accepted."""
        self.submitted.append(job)

    def job_ran(self, job: Job, queue_milliseconds: float) -> None:
        """An attempt at a job ended."""
        self.ran.append((job, queue_milliseconds))

    def model_ran(self, model: str, version: int, jobs: int, milliseconds: float) -> None:
        """A model was run."""
        self.runs.append((model, version, jobs, milliseconds))

    def job_ended(self, job: Job) -> None:
        """A job was ended by somebody who did not run it."""
        self.ended.append(job)

    def batch_ended(self, messages: int, postponed: int) -> None:
        """A batch of messages was dealt with."""
        self.batches.append((messages, postponed))

    def unexpected(self, error: Exception) -> None:
        """Something failed that should not."""
        self.failures.append(error)
