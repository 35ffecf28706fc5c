"""Looking now and then whether a batch is still wanted."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from triptych.batches.batch import State
from triptych.batches.store import BatchStore
from triptych.errors import Conflict

_LOOK = 5.0
"""Seconds between two looks."""


class Stopped(Conflict):
    """The batch is not wanted any more."""


def checkpoint(store: BatchStore, batch_id: str) -> Callable[[], None]:
    """Makes what raises `Stopped` once a batch was stopped; it looks every few seconds at most."""
    last = monotonic()

    def check() -> None:
        nonlocal last
        if monotonic() - last >= _LOOK:
            still_wanted(store, batch_id)
            last = monotonic()

    return check


def still_wanted(store: BatchStore, batch_id: str) -> None:
    """Looks whether a batch is still wanted.

    Raises:
        Stopped: It was stopped, or its record is gone.
    """
    batch = store.get(batch_id)
    if batch is None or batch.state is State.STOPPED:
        raise Stopped(f"batch {batch_id} was stopped")
