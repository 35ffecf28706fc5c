"""An observer of requests that remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

from triptych.aws.telemetry import RequestRecord, Telemetry


@dataclass
class WatchedRequests(Telemetry):
    """Telemetry that remembers.

    Attributes:
        started: Ids of the requests that came in.
        ended: Records of those that were answered.
        failures: What failed unexpectedly.
    """

    started: list[str] = field(default_factory=list)
    ended: list[RequestRecord] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def request_started(self, request_id: str) -> None:
        """A request came in."""
        self.started.append(request_id)

    def request_ended(self, record: RequestRecord) -> None:
        """A request was answered."""
        self.ended.append(record)

    def model_loaded(self, name: str, version: int, milliseconds: float) -> None:
        """A model was opened, which no test here does."""
        raise AssertionError(name, version, milliseconds)

    def model_failed(self, name: str, version: int, reason: str) -> None:
        """A model could not be opened, which no test here tries."""
        raise AssertionError(name, version, reason)

    def unexpected(self, error: Exception) -> None:
        """Something failed that should not."""
        self.failures.append(error)
