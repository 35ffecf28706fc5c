"""Telling the world how jobs and batches ended."""

from __future__ import annotations

from typing import Protocol


class Notifier[Ended](Protocol):
    """Tells how jobs, or batches, ended."""

    def publish(self, ended: Ended, /) -> None:
        """Tells the final state to everybody who listens.

        Raises:
            ServiceUnavailable: Somebody may not have been told.
        """
        ...
