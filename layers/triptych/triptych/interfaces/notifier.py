"""Telling the world how jobs ended."""

from __future__ import annotations

from typing import Protocol

from triptych.jobs.job import Job


class Notifier(Protocol):
    """Tells how jobs ended."""

    def publish(self, job: Job) -> None:
        """Tells the final state of a job to everybody who listens.

        Raises:
            ServiceUnavailable: Somebody may not have been told.
        """
        ...
