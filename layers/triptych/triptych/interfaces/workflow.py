"""The state machine that large batches run on.

Every method raises `ServiceUnavailable` when it cannot be reached.
"""

from __future__ import annotations

from typing import Protocol


class Workflow(Protocol):
    """Runs batches."""

    def start(self, execution: str, batch_id: str) -> None:
        """Starts an execution; nothing is done when one with that name was started before."""
        ...

    def stop(self, execution: str) -> None:
        """Stops an execution; nothing is done when it has ended, or never was."""
        ...
