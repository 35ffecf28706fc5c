"""The moment by which an answer must be ready."""

from __future__ import annotations

import time
from typing import NamedTuple

from triptych.errors import DeadlineExceeded


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
