"""Doing the same with many things at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

THREADS = 16
"""Calls to AWS that wait at the same time; each takes about 10 ms, and clients keep as many connections."""


class Each(Protocol):
    """Calls a function with each item."""

    def __call__[Item, Made](self, function: Callable[[Item], Made], items: Iterable[Item], /) -> list[Made]:
        """Gives the results in the order of the items; raises what the first that failed raised."""
        ...


class InThreads:
    """Calls in threads, which suits functions that wait for the network."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="jobs")

    def __call__[Item, Made](self, function: Callable[[Item], Made], items: Iterable[Item], /) -> list[Made]:
        """Gives the results in the order of the items."""
        return list(self._pool.map(function, items))


def one_by_one[Item, Made](function: Callable[[Item], Made], items: Iterable[Item], /) -> list[Made]:
    """Calls in turn, so that the order is known."""
    return [function(item) for item in items]
