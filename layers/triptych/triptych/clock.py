"""The time: as records hold it, as documents write it, and the deadline of an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from triptych.errors import DeadlineExceeded

Clock = Callable[[], int]
"""Returns the milliseconds since 1970."""


def wall_clock() -> int:
    """Returns the milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Context(Protocol):
    """The part of Lambda's context that is used."""

    @property
    def aws_request_id(self) -> str:
        """Id of the invocation."""
        ...

    def get_remaining_time_in_millis(self) -> int:
        """Returns the milliseconds until the function is stopped."""
        ...


class Deadline(NamedTuple):
    """A moment on the monotonic clock.

    Attributes:
        at: Seconds on `time.monotonic`'s clock.
    """

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Makes the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def of(cls, context: Context, margin: float) -> Deadline:
        """Makes the deadline of an invocation.

        Args:
            context: Lambda's context.
            margin: Seconds kept for what follows the work.
        """
        return cls.after(context.get_remaining_time_in_millis() / 1000 - margin)

    @classmethod
    def at_moment(cls, milliseconds: int) -> Deadline:
        """Makes the deadline at a time in milliseconds since 1970."""
        return cls.after((milliseconds - wall_clock()) / 1000)

    @property
    def remaining(self) -> float:
        """Seconds left; negative when it has passed."""
        return self.at - time.monotonic()

    def half(self) -> Deadline:
        """Makes the deadline after half of what is left."""
        return Deadline.after(self.remaining / 2)

    def check(self, doing: str) -> None:
        """Stops work that can no longer be in time.

        Raises:
            DeadlineExceeded: The moment has passed.
        """
        if self.remaining <= 0:
            raise DeadlineExceeded(
                f"ran out of time while {doing}; send less at once, or ask for a job: "
                "POST /v2/models/{model}/jobs"
            )


def moment(milliseconds: int) -> str:
    """Writes a time, in milliseconds since 1970, such as `2026-01-31T12:00:00.000Z`."""
    written = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")


def known_moment(milliseconds: int | None) -> str | None:
    """Writes a time; None when it is not known."""
    return None if milliseconds is None else moment(milliseconds)
