"""Logs and metrics.

A request leaves one line: JSON that CloudWatch Logs shows as the access log and reads as metrics (embedded
metric format). Warnings and failures leave further ones, which Powertools writes; it is imported for the
first of them, as most functions start and end without one. Payloads are never logged.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, override

from triptych.clock import wall_clock
from triptych.protocol.json_document import dump

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

_LOGGER = logging.getLogger("triptych")
"""The package's logger. Powertools' has the same name: then all lines have one form."""


@dataclass(slots=True)
class RequestRecord:
    """The access log of one request; never its payload.

    Attributes:
        request_id: Id that the gateway gave it.
        route: Method and resource, such as `POST /v2/models/{model}/infer`.
        model: Name of the model that answered; None when none was found.
        milliseconds: From the event to the answer.
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


_POWERTOOLS = "aws_lambda_powertools"
NO_MODEL = "none"  # a name that a caller made up must not become a metric of its own
_UNITS = {
    **dict.fromkeys(("Latency", "InferenceTime", "ModelLoadTime", "QueueTime", "ChunkTime"), "Milliseconds"),
    "PeakMemory": "Megabytes",
}  # the others are counts


class _FirstLine(logging.Handler):
    """Makes Powertools' logger when a first line is to be written, and leaves the lines to it."""

    def __init__(self, make: Callable[[], Logger]) -> None:
        super().__init__()
        self._make = make

    @override
    def emit(self, record: logging.LogRecord) -> None:
        _LOGGER.removeHandler(self)
        self._make()
        for handler in _LOGGER.handlers:
            handler.handle(record)


class Telemetry:
    """Writes logs and metrics of a function, such as `realtime`.

    The id of what is being answered is None before the first request.
    """

    def __init__(self, service: str, namespace: str, level: str) -> None:
        self.service = service
        self.request_id: str | None = None
        self._namespace = namespace
        self._level = level
        self._cold = True
        if _POWERTOOLS in sys.modules:
            self._logger.setLevel(level)
        else:
            _LOGGER.setLevel(level)
            _LOGGER.handlers = [_FirstLine(lambda: self._logger)]

    @cached_property
    def _logger(self) -> Logger:
        from aws_lambda_powertools import Logger  # noqa: PLC0415 - a tenth of a start, for what is rare

        logger = Logger(service=_LOGGER.name, level=self._level)
        logger.append_keys(service=self.service, request_id=self.request_id)
        return logger

    def request_started(self, request_id: str) -> None:
        """A request came in: later lines of the log belong to it."""
        self.request_id = request_id
        if _POWERTOOLS in sys.modules:
            self._logger.append_keys(request_id=request_id)

    def request_ended(self, record: RequestRecord) -> None:
        """A request was answered."""
        values = {"Requests": 1.0, "Latency": record.milliseconds, **_rare(record.status, cold=self._cold)}
        if record.inference_milliseconds is not None:
            values["InferenceTime"] = record.inference_milliseconds
        self.write(record.model or NO_MODEL, values, _described(record))
        self._cold = False

    def model_loaded(self, name: str, version: int, milliseconds: float) -> None:
        """A model was opened."""
        self._loading(name, version, {"ModelLoadTime": milliseconds}, "model opened")

    def model_failed(self, name: str, version: int, reason: str) -> None:
        """A model could not be opened."""
        self._loading(name, version, {"ModelLoadErrors": 1.0}, f"model failed to open: {reason}")

    def unexpected(self, error: Exception) -> None:
        """Something failed that should not: the log tells where."""
        _LOGGER.error("unexpected failure", exc_info=error)

    def write(self, model: str, values: Mapping[str, float], described: Mapping[str, object]) -> None:
        """Writes one line: metrics of a model by name, and what else is described."""
        dimensions = {"model": model, "service": self.service}
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [[*dimensions]],
            "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in values],
        }
        line = {
            "_aws": {"Timestamp": wall_clock(), "CloudWatchMetrics": [directive]},
            **dimensions,
            **described,
            **{name: [round(value, 3)] for name, value in values.items()},
        }
        # CloudWatch reads metrics from stdout; in one piece, as threads write at the same time.
        sys.stdout.write(dump(line).decode() + "\n")

    def event(self, model: str, values: Mapping[str, float], message: str, **described: object) -> None:
        """Writes the line of an event, such as `job ran`, with metrics of a model by name."""
        line = {"level": "INFO", "message": message, "request_id": self.request_id, **described}
        self.write(model, values, line)

    def _loading(self, name: str, version: int, values: Mapping[str, float], message: str) -> None:
        described = {"message": message, "request_id": self.request_id, "model_version": version}
        self.write(name, values, described)


def _rare(status: int, *, cold: bool) -> dict[str, float]:
    # Left out when they did not happen: a sum is the same without zeros, and each metric is paid for.
    happened = {"ClientErrors": 400 <= status < 500, "ServerErrors": status >= 500, "ColdStart": cold}
    return {name: 1.0 for name, so in happened.items() if so}


def _described(record: RequestRecord) -> dict[str, object]:
    return {
        "level": "INFO" if record.status < 500 else "ERROR",
        "message": record.route,
        "request_id": record.request_id,
        "status": record.status,
        "error": record.error,
        "model_version": record.version,
        "request_bytes": record.request_bytes,
        "response_bytes": record.response_bytes,
    }
