"""What the records of jobs and of batches have in common: ids, failures, and the rules of their transitions.

The same key makes the same id: what is asked for again is the same record. A transition is a pure function
from a record to its next revision; it raises `Conflict` where the status does not allow it.
"""

from __future__ import annotations

import re
import uuid
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, Self

from triptych.errors import Conflict, NotFound, TriptychError

MAX_MESSAGE = 2000
"""Characters of a message: what it quotes of the input can be as long as the input."""


class Failure(NamedTuple):
    """Why a job, a batch or a file failed; `type` is such as `BadRequest`.

    It is retryable where the same may succeed when it is tried again.
    """

    type: str
    message: str
    retryable: bool

    @classmethod
    def of(cls, error: TriptychError) -> Failure:
        """Returns the failure that an error stands for."""
        return cls(error.kind, str(error)[:MAX_MESSAGE], error.retryable)


_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def random_id() -> str:
    """Makes an id that nothing else has."""
    return str(uuid.uuid4())


class Ids(NamedTuple):
    """Ids of one noun, in a UUID of its own; another one forgets all keys."""

    noun: str
    namespace: uuid.UUID

    def derived(self, *parts: str) -> str:
        """Makes the id that belongs to a key: who chose it, and the key, as those of two callers are two."""
        # Lengths keep ("a", "b/c") and ("a/b", "c") apart.
        return str(uuid.uuid5(self.namespace, "/".join(f"{len(part)}:{part}" for part in parts)))

    def checked(self, text: str) -> str:
        """Returns an id as it is.

        Raises:
            NotFound: Nothing can have this id.
        """
        if not _ID.fullmatch(text):
            raise NotFound(f"there is no {self.noun} {text[:64]!r}")
        return text

    def key_used(self, identity: str) -> Conflict:
        """Returns the error of an idempotency key that was used for something else."""
        return Conflict(
            f"the idempotency key was used for {self.noun} {identity}, which asks for something else; "
            "choose another key, or send what was sent before"
        )


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
