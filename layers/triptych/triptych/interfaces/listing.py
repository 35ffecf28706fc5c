"""Finding records of some kind in a list that is read page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

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
