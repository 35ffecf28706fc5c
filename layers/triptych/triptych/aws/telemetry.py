"""Logs and metrics through Powertools.

A request leaves one line: JSON that CloudWatch Logs shows as the access log and reads as metrics (embedded
metric format). Failures that nobody expected leave a second one with the stack trace. Payloads are never
logged.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from triptych.protocol.json_document import dump


@dataclass(slots=True)
class RequestRecord:
    """The access log of one request; never its payload.

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


NO_MODEL = "none"  # a name that a caller made up must not become a metric of its own
_UNITS = {
    **dict.fromkeys(
        ("Latency", "InferenceTime", "ModelLoadTime", "QueueTime", "ChunkTime"), MetricUnit.Milliseconds
    ),
    "PeakMemory": MetricUnit.Megabytes,
}  # the others are counts


class Telemetry:
    """Writes logs and metrics.

    Args:
        service: Name of the function's part, such as `realtime`.
        namespace: CloudWatch namespace of the metrics.
        level: Least severe level that is logged.

    Attributes:
        service: Name of the function's part.
        request_id: Id of what is being answered; None before the first.
    """

    def __init__(self, service: str, namespace: str, level: str) -> None:
        self.service = service
        self._metrics = EphemeralMetrics(namespace=namespace, service=service)
        # Powertools names a logger after its service. The package logs through `triptych`: under the same
        # name its lines have the same form, and the request's id.
        self._logger = Logger(service="triptych", level=level)
        self._logger.append_keys(service=service)
        self._cold = True
        self.request_id: str | None = None

    def request_started(self, request_id: str) -> None:
        """A request came in: later lines of the log belong to it."""
        self.request_id = request_id
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
        self._logger.error("unexpected failure", exc_info=error)

    def write(self, model: str, values: Mapping[str, float], described: Mapping[str, object]) -> None:
        """Writes one line.

        Args:
            model: Name of the model that the metrics are of.
            values: Metrics by name.
            described: What else is in the line.
        """
        # All at once: with a call for each metric and each word beside it, this line took most of the
        # time of a small model's request.
        line = self._metrics.serialize_metric_set(
            {name: {"Unit": _unit(name).value, "Value": [round(value, 3)]} for name, value in values.items()},
            {"model": model, "service": self.service},
            dict(described),
        )
        # CloudWatch reads metrics from stdout; in one piece, as threads write at the same time.
        sys.stdout.write(dump(line).decode() + "\n")

    def event(self, model: str, values: Mapping[str, float], message: str, **described: object) -> None:
        """Writes the line of an event, such as `job ran`.

        Args:
            model: Name of the model that the metrics are of.
            values: Metrics by name.
            message: Name of the event.
            described: What else is in the line.
        """
        line = {"level": "INFO", "message": message, "request_id": self.request_id, **described}
        self.write(model, values, line)

    def _loading(self, name: str, version: int, values: Mapping[str, float], message: str) -> None:
        described = {"message": message, "request_id": self.request_id, "model_version": version}
        self.write(name, values, described)


def _unit(metric: str) -> MetricUnit:
    return _UNITS.get(metric, MetricUnit.Count)


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
