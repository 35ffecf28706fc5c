"""Setting bad records apart: one of them never costs the others.

A block is tried as a whole. Where that fails, the rows that the failure names are set apart and the rest is
tried again; where it names none, each half is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from triptych.errors import BadRequest, BadRows, PayloadTooLarge, RowError, TriptychError
from triptych.inference.blocks import Block


class BadRecord(NamedTuple):
    """A record without a prediction.

    Attributes:
        number: Which of its block it is, from 0.
        reason: Why.
    """

    number: int
    reason: str


class Isolated[Result](NamedTuple):
    """What came of a block.

    Attributes:
        results: The results for the good records, in their order.
        bad: The others, in their order.
    """

    results: Sequence[Result]
    bad: Sequence[BadRecord]


def isolate[Result](block: Block, attempt: Callable[[Block], Result]) -> Isolated[Result]:
    """Tries a block, and what is left of it without its bad records.

    Args:
        block: The records.
        attempt: Works on records; fails with `BadRequest` or `PayloadTooLarge` where some of them are bad.
    """
    try:
        return Isolated([attempt(block)], [])
    except (BadRequest, PayloadTooLarge) as error:
        search = _Search(block, attempt)
        search.narrow(range(block.count()), error)
        return Isolated(search.results, sorted(search.bad))


class _Search[Result]:
    def __init__(self, block: Block, attempt: Callable[[Block], Result]) -> None:
        self.results: list[Result] = []
        self.bad: list[BadRecord] = []
        self._block = block
        self._attempt = attempt

    def narrow(self, records: Sequence[int], error: TriptychError) -> None:
        """Goes on with records that failed together."""
        if not records:
            raise error
        if len(records) == 1:
            reason = error.reason if isinstance(error, RowError) else str(error)
            self.bad.append(BadRecord(records[0], reason))
            return
        named = _named(error, len(records))
        if named:
            self.bad += [BadRecord(records[number - 1], reason) for number, reason in named.items()]
            self._try([record for number, record in enumerate(records, 1) if number not in named])
            return
        middle = len(records) // 2
        self._try(records[:middle])
        self._try(records[middle:])

    def _try(self, records: Sequence[int]) -> None:
        if not records:
            return
        try:
            self.results.append(self._attempt(self._block.take(records)))
        except (BadRequest, PayloadTooLarge) as error:
            self.narrow(records, error)


def _named(error: TriptychError, records: int) -> Mapping[int, str]:
    """Returns the reasons of the rows that an error names; none where it names some that are not there."""
    reasons = error.reasons if isinstance(error, BadRows) else {}
    return reasons if all(1 <= number <= records for number in reasons) else {}
