"""Moving records from state to state, whoever else does the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from triptych.errors import NotFound, ServiceUnavailable

_TRIES = 5
"""How often a record is read again because somebody else changed it: a record has few who do."""


class Identified(Protocol):
    """A record that has an id."""

    @property
    def id(self) -> str:
        """Identifies it."""
        ...


class Records[Record](Protocol):
    """Keeps records by id and revision."""

    def get(self, identity: str, /) -> Record | None:
        """Gives a record; None when there is none."""
        ...

    def replace(self, record: Record, /) -> bool:
        """Puts a record in place of its last revision; False, and nothing is done, when that is not there."""
        ...


class RecordLedger[Record: Identified]:
    """Moves records by compare and swap on their revision.

    Args:
        records: Keeps them.
        kind: What they are called, such as `job`.
    """

    def __init__(self, records: Records[Record], kind: str) -> None:
        self._records = records
        self._kind = kind

    def known(self, identity: str) -> Record:
        """Gives a record as it is now.

        Raises:
            NotFound: There is no such record.
        """
        found = self._records.get(identity)
        if found is None:
            raise NotFound(
                f"there is no {self._kind} {identity!r}; "
                f"records are deleted some time after a {self._kind} has ended"
            )
        return found

    def move(self, record: Record, transition: Callable[[Record], Record]) -> Record:
        """Makes a transition, from the given revision or from the one that took its place.

        Args:
            record: The record as it was read last.
            transition: Gives the next record, the same one where nothing is to be done, or raises `Conflict`.

        Returns:
            The next record, kept.

        Raises:
            Conflict: The state of the record does not allow it.
            NotFound: The record is gone.
            ServiceUnavailable: Records cannot be reached, or this one is changed all the time.
        """
        for _ in range(_TRIES):
            moved = transition(record)
            if moved is record or self._records.replace(moved):
                return moved
            record = self.known(record.id)
            if record == moved:  # it was replaced, but the answer was lost and the call made again
                return moved
        raise ServiceUnavailable(f"{self._kind} {record.id} is changed by others all the time; try again")
