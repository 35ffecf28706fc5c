"""The pace at which something may be written."""

from __future__ import annotations

import time
from collections.abc import Callable

from triptych.clock import Deadline
from triptych.errors import DeadlineExceeded


class Pacer:
    """Spreads writes evenly over time, and stops before a wait that would end too late.

    Args:
        rate: Writes a second.
        deadline: When the last wait must have ended.
        sleep: Waits for some seconds.
        clock: The clock of the deadline.
    """

    def __init__(
        self,
        rate: float,
        deadline: Deadline,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._deadline = deadline
        self._sleep = sleep
        self._clock = clock
        self._next = clock()

    def wait(self, count: int) -> None:
        """Waits until this many writes are due; the first ones are due at once.

        Raises:
            DeadlineExceeded: They are due too late.
        """
        start = max(self._clock(), self._next)
        self._next = start + count / self._rate
        self.pause(start - self._clock())

    def pause(self, seconds: float) -> None:
        """Waits for some seconds.

        Raises:
            DeadlineExceeded: They end too late.
        """
        if self._clock() + seconds >= self._deadline.at:
            raise DeadlineExceeded(
                "there was not enough time to write the predictions for lookups; split the file, or raise "
                "LookupWritesPerSecond where the table takes more"
            )
        self._sleep(max(0.0, seconds))
