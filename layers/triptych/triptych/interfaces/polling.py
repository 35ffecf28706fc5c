"""Looking at something again and again until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from triptych.interfaces.deadline import Deadline

_FIRST_LOOK, _LAST_LOOK = 0.1, 1.0
"""Seconds between two looks: most of what is waited for ends soon, or takes long."""


class Ending(Protocol):
    """What ends some time."""

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        ...


def awaited[Some: Ending](look: Callable[[], Some], until: Deadline) -> Some:
    """Gives something as soon as it has ended, or as it is when the time is over.

    Args:
        look: Gives it as it is now.
        until: When the time is over.
    """
    pause = _FIRST_LOOK
    found = look()
    while not found.final and until.remaining > 0:
        time.sleep(min(pause, until.remaining))
        pause = min(pause * 1.5, _LAST_LOOK)
        found = look()
    return found
