"""Work on a batch ends soon after the batch was cancelled."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from triptych.batches.batch import Status
from triptych.batches.store import BatchStore
from triptych.errors import Conflict

_LOOK = 5.0
"""Seconds between two looks."""


class Cancelled(Conflict):
    """The batch was cancelled, or its record is gone."""


def checkpoint(store: BatchStore, batch_id: str) -> Callable[[], None]:
    """Returns a function that raises `Cancelled` once a batch was cancelled; it looks every few seconds."""
    last = monotonic()

    def check() -> None:
        nonlocal last
        if monotonic() - last >= _LOOK:
            check_wanted(store, batch_id)
            last = monotonic()

    return check


def check_wanted(store: BatchStore, batch_id: str) -> None:
    """Checks that a batch was not cancelled.

    Raises:
        Cancelled: It was cancelled, or its record is gone.
    """
    batch = store.get(batch_id)
    if batch is None or batch.status is Status.CANCELLED:
        raise Cancelled(f"batch {batch_id} was cancelled")
