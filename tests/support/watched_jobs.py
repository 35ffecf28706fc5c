"""An observer of jobs that remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

from triptych.interfaces.job_observer import Run
from triptych.jobs.job import Job


@dataclass
class WatchedJobs:
    """A `JobObserver` that remembers.

    Attributes:
        submitted: Jobs that were accepted.
        ran: Attempts that ended.
        ended: Jobs that somebody else ended.
        batches: Messages and how many of them come again, for each batch.
        failures: What failed unexpectedly.
    """

    submitted: list[Job] = field(default_factory=list)
    ran: list[tuple[Job, Run]] = field(default_factory=list)
    ended: list[Job] = field(default_factory=list)
    batches: list[tuple[int, int]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def job_submitted(self, job: Job) -> None:
        """A job was accepted."""
        self.submitted.append(job)

    def job_ran(self, job: Job, run: Run) -> None:
        """An attempt at a job ended."""
        self.ran.append((job, run))

    def job_ended(self, job: Job) -> None:
        """A job was ended by somebody who did not run it."""
        self.ended.append(job)

    def batch_ended(self, messages: int, retried: int) -> None:
        """A batch of messages was dealt with."""
        self.batches.append((messages, retried))

    def unexpected(self, error: Exception) -> None:
        """Something failed that should not."""
        self.failures.append(error)
