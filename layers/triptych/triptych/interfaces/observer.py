"""Watching requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class RequestRecord:
    """What is told about one request; never its payload.

    Attributes:
        request_id: Id that the gateway gave it.
        route: Method and resource, such as `POST /v2/models/{model}/infer`.
        model: Name of the model that answered; None when none was found.
        version: Its version.
        status: HTTP status of the answer.
        error: Class of the error, if there was one.
        milliseconds: From the event to the answer.
        inference_milliseconds: Spent in the model.
        request_bytes: Size of the body as it came, decoded.
        response_bytes: Size of the body as it left.
    """

    request_id: str
    route: str
    model: str | None = None
    version: int | None = None
    status: int = 0
    error: str | None = None
    milliseconds: float = 0.0
    inference_milliseconds: float | None = None
    request_bytes: int = 0
    response_bytes: int = 0


class Observer(Protocol):
    """Makes logs and metrics of what happens."""

    def request_started(self, request_id: str) -> None:
        """A request came in: what is logged from now on belongs to it."""
        ...

    def request_ended(self, record: RequestRecord) -> None:
        """A request was answered."""
        ...

    def model_loaded(self, name: str, version: int, milliseconds: float) -> None:
        """A model was opened."""
        ...

    def model_failed(self, name: str, version: int, reason: str) -> None:
        """A model could not be opened."""
        ...

    def unexpected(self, error: Exception) -> None:
        """Something failed that should not: the log tells where."""
        ...
