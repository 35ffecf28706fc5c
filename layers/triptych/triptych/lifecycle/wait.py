"""Waiting for the end of a job or a batch, and looking now and then while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable

from triptych.clock import Deadline
from triptych.lifecycle.record import Record

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
"""Seconds between two reads: most of what is waited for ends soon, or takes long."""


def wait_until_final[Some: Record](read: Callable[[], Some], deadline: Deadline) -> Some:
    """Returns a record as soon as it has ended, or as it is at the deadline.

    Args:
        read: Returns the record as it is now.
        deadline: Until when to wait.
    """
    pause = _FIRST_PAUSE
    found = read()
    while not found.final and deadline.remaining > 0:
        time.sleep(min(pause, deadline.remaining))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        found = read()
    return found


def at_most_every(seconds: float, check: Callable[[], object]) -> Callable[[], None]:
    """Returns what makes a check whenever it is called, but not until so many seconds after the last one."""
    last = time.monotonic()

    def look() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            check()
            last = time.monotonic()

    return look
