"""What came of loading each version, for as long as its files stay the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from triptych.errors import ModelUnavailable, NotSupported
from triptych.serving.repository import Candidate

Unloadable = ModelUnavailable | NotSupported


class Loaded(NamedTuple):
    """A version that could be loaded.

    Attributes:
        memory: Bytes of memory it was seen to need.
        description: What its `model.toml` says it is.
    """

    memory: int
    description: str


class Failed(NamedTuple):
    """A version that could not be loaded.

    Attributes:
        kind: Class of the error.
        reason: Its message.
        until: When to try again, on the clock of the outcomes.
    """

    kind: type[Unloadable]
    reason: str
    until: float


class Outcomes:
    """Remembers the latest outcome of each version.

    Args:
        retry_seconds: How long a failure is remembered.
        clock: Monotonic seconds.
    """

    def __init__(self, retry_seconds: float, clock: Callable[[], float]) -> None:
        self._retry_seconds = retry_seconds
        self._clock = clock
        self._latest: dict[tuple[str, int], tuple[str, Loaded | Failed]] = {}

    def of(self, candidate: Candidate) -> Loaded | Failed | None:
        """Returns what came of loading exactly this candidate, unless that is too long ago to count."""
        key = (candidate.stored.model, candidate.stored.version)
        fingerprint, outcome = self._latest.get(key, ("", None))
        if fingerprint != candidate.fingerprint:
            return None
        if isinstance(outcome, Failed) and self._clock() >= outcome.until:
            return None
        return outcome

    def loaded(self, candidate: Candidate, outcome: Loaded) -> None:
        """Notes that a candidate could be loaded."""
        self._note(candidate, outcome)

    def failed(self, candidate: Candidate, error: Unloadable) -> None:
        """Notes why a candidate could not be loaded."""
        self._note(candidate, Failed(type(error), str(error), self._clock() + self._retry_seconds))

    def _note(self, candidate: Candidate, outcome: Loaded | Failed) -> None:
        key = (candidate.stored.model, candidate.stored.version)
        self._latest[key] = (candidate.fingerprint, outcome)
