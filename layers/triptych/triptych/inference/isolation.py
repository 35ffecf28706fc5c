"""Setting bad records apart: one of them never costs the others.

A block is tried as a whole. Where that fails, the rows that the failure names are set apart and the rest is
tried again; where it names none, each half is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from triptych.errors import BadRows, RowError, TriptychError
from triptych.inference.blocks import Block


class BadRecord(NamedTuple):
    """Number of a record without a prediction in its block, from 0, and why there is none."""

    number: int
    reason: str


class Isolation:
    """What of a block is to be tried next, at first all: iterate over it, and say of each what failed."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._bad: list[BadRecord] = []
        self._left: list[Sequence[int]] = []  # the next one last
        self._tried: Sequence[int] | None = None

    @property
    def bad(self) -> Sequence[BadRecord]:
        """The bad records, in their order."""
        return sorted(self._bad)

    def __iter__(self) -> Iterator[Block]:
        yield self._block
        while self._left:
            self._tried = self._left.pop()
            if self._tried:
                yield self._block.take(self._tried)

    def failed(self, error: TriptychError) -> None:
        """Narrows the search in the records that came last; raises the error again where there are none."""
        records = range(self._block.count()) if self._tried is None else self._tried
        if not records:
            raise error
        if len(records) == 1:
            reason = error.reason if isinstance(error, RowError) else str(error)
            self._bad.append(BadRecord(records[0], reason))
        elif named := _named(error, len(records)):
            self._bad += [BadRecord(records[number - 1], reason) for number, reason in named.items()]
            self._left.append([record for number, record in enumerate(records, 1) if number not in named])
        else:
            middle = len(records) // 2
            self._left += [records[middle:], records[:middle]]


def _named(error: TriptychError, records: int) -> Mapping[int, str]:
    """Returns the reasons of the rows that an error names; none where it names some that are not there."""
    reasons = error.reasons if isinstance(error, BadRows) else {}
    return reasons if all(1 <= number <= records for number in reasons) else {}
