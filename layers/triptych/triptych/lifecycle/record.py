"""What the records of jobs and of batches have in common, and what their state machines share.

A transition is a pure function from a record to its next revision; it raises `Conflict` where the status does
not allow it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol, Self

from triptych.errors import Conflict
from triptych.lifecycle.failure import Failure


class Record(Protocol):
    """The record of a job, or of a batch. All times are milliseconds since 1970."""

    @property
    def noun(self) -> str:
        """What it is called, such as `job`."""
        ...

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def model(self) -> str | None:
        """Name of its model; None for that of a batch of several."""
        ...

    @property
    def created(self) -> int:
        """When it was submitted."""
        ...

    @property
    def ended(self) -> int | None:
        """When it ended."""
        ...

    @property
    def target(self) -> str | None:
        """Label by which subscribers filter notifications."""
        ...

    @property
    def status(self) -> StrEnum:
        """Its status."""
        ...

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        ...

    @property
    def error(self) -> Failure | None:
        """Why it failed."""
        ...

    @property
    def notified(self) -> bool:
        """Whether subscribers were notified of its end."""
        ...

    @property
    def redrives(self) -> int:
        """How often it was started again after it had failed."""
        ...

    @property
    def revision(self) -> int:
        """How often it was changed."""
        ...

    @property
    def place(self) -> str:
        """Its position in lists, by its time: the token of the page after it."""
        ...

    def __replace__(self, /, *_: Any, **changes: Any) -> Self: ...  # noqa: ANN401 - values of fields


def expect(record: Record, action: str, *statuses: StrEnum) -> None:
    """Checks that a record has one of some statuses.

    Raises:
        Conflict: It has not, so it cannot do `action`.
    """
    if record.status not in statuses:
        raise Conflict(f"{record.noun} {record.id} is {record.status}: it cannot {action}")


def changed[Some: Record](record: Some, **changes: object) -> Some:
    """Returns the next revision of a record."""
    return record.__replace__(revision=record.revision + 1, **changes)


def notified[Some: Record](record: Some) -> Some:
    """Subscribers were notified of its end.

    Raises:
        Conflict: It has not ended.
    """
    if not record.final:
        raise Conflict(f"{record.noun} {record.id} is {record.status}: there is no end to notify of yet")
    return changed(record, notified=True)


def as_new[Some: Record](record: Some, **changes: object) -> Some:
    """It failed for a reason that may have passed, and is redriven: as new, but that redrives are counted.

    Raises:
        Conflict: It would fail again.
    """
    if record.error is None or not record.error.retryable:
        reason = record.error.message if record.error else "no reason is known"
        raise Conflict(f"{record.noun} {record.id} would fail again: {reason}")
    fresh = {"attempts": 0, "started": None, "ended": None, "error": None, "notified": False}
    return changed(record, redrives=record.redrives + 1, **fresh, **changes)
