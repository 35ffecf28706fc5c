"""Finding records of some kind in a list that is read page by page.

Looking at something again and again until it has ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from triptych.clock import Deadline

_PAGE = 100
_PAGES = 3
"""Pages that are read for one page of records of some kind."""


class Placed(Protocol):
    """A record that has its place in the list."""

    @property
    def place(self) -> str:
        """Where it is among all records."""
        ...


def selected[Some: Placed](
    read: Callable[[str | None, int], tuple[Sequence[Some], str | None]],
    wanted: Callable[[Some], bool],
    after: str | None,
    limit: int,
) -> tuple[Sequence[Some], str | None]:
    """Finds records in a list; there may be few, and more to come all the same.

    Args:
        read: Gives at most so many records after a place, and after which place there may be more.
        wanted: Tells those that are wanted.
        after: Place after which is looked.
        limit: At most so many.

    Returns:
        The records, and after which place there may be more; None where there are none.
    """
    found: list[Some] = []
    for _ in range(_PAGES):
        page, after = read(after, _PAGE)
        found += filter(wanted, page)
        if len(found) > limit:
            return found[:limit], found[limit - 1].place
        if after is None or len(found) == limit:
            break
    return found, after


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
