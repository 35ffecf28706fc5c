"""Records whose writes are made, but whose answers get lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from triptych.errors import ServiceUnavailable
from triptych.jobs.job import Job

from tests.support.job_fakes import MemoryJobs


class Lost(Enum):
    """What the caller of a write sees that was made all the same."""

    REPEATED = auto()
    """The client made the call again, and found that the condition does not hold any more."""

    FAILED = auto()
    """The call failed."""


@dataclass
class UnsureJobs(MemoryJobs):
    """A `JobStore`.

    Attributes:
        lost: What becomes of the answers to the next writes, None for those that arrive.
        between: Called before the next write that replaces a record, once: what others do meanwhile.
    """

    lost: list[Lost | None] = field(default_factory=list)
    between: Callable[[], object] | None = None

    def add(self, record: Job) -> bool:
        """Stores a job whose id is new."""
        return self._answer(super().add(record))

    def replace(self, record: Job) -> bool:
        """Replaces the previous revision of a job."""
        between, self.between = self.between, None
        if between:
            between()
        return self._answer(super().replace(record))

    def _answer(self, done: bool) -> bool:  # noqa: FBT001 - the answer itself
        lost = self.lost.pop(0) if self.lost else None
        if lost is Lost.FAILED:
            raise ServiceUnavailable("the table does not answer in time")
        return done and lost is None
