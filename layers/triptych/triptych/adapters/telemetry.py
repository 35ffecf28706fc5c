"""Logs and metrics through Powertools.

A request leaves one line: JSON that CloudWatch Logs shows as the access log and reads as metrics (embedded
metric format). Failures that nobody expected leave a second one with the stack trace. Payloads are never
logged.
"""

from __future__ import annotations

import logging

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from triptych.interfaces.observer import RequestRecord

_NO_MODEL = "none"  # a name that a caller made up must not become a metric of its own


class PowertoolsTelemetry:
    """Makes logs and metrics of what happens.

    Args:
        service: Name of the function's part, such as `realtime`.
        namespace: CloudWatch namespace of the metrics.
        level: Least severe level that is logged.
    """

    def __init__(self, service: str, namespace: str, level: str) -> None:
        self._metrics = EphemeralMetrics(namespace=namespace, service=service)
        # Powertools names a logger after its service. The package logs through `triptych`: under the same
        # name its lines have the same form, and the request's id.
        self._logger = Logger(service="triptych", level=level)
        self._logger.append_keys(service=service)
        self._cold = True
        self._request_id: str | None = None

    def request_started(self, request_id: str) -> None:
        """A request came in: what is logged from now on belongs to it."""
        self._request_id = request_id
        self._logger.append_keys(request_id=request_id)

    def request_ended(self, record: RequestRecord) -> None:
        """A request was answered."""
        metrics = self._metrics
        metrics.add_dimension("model", record.model or _NO_MODEL)
        metrics.add_metric("Requests", MetricUnit.Count, 1)
        metrics.add_metric("Latency", MetricUnit.Milliseconds, round(record.milliseconds, 3))
        for name in _rare(record.status, cold=self._cold):
            metrics.add_metric(name, MetricUnit.Count, 1)
        if record.inference_milliseconds is not None:
            inference = round(record.inference_milliseconds, 3)
            metrics.add_metric("InferenceTime", MetricUnit.Milliseconds, inference)
        for name, value in _described(record).items():
            metrics.add_metadata(name, value)
        metrics.flush_metrics()
        self._cold = False

    def model_loaded(self, name: str, version: int, milliseconds: float) -> None:
        """A model was opened."""
        self._metrics.add_dimension("model", name)
        self._metrics.add_metric("ModelLoadTime", MetricUnit.Milliseconds, round(milliseconds, 3))
        self._loading("model opened", version)

    def model_failed(self, name: str, version: int, reason: str) -> None:
        """A model could not be opened."""
        self._metrics.add_dimension("model", name)
        self._metrics.add_metric("ModelLoadErrors", MetricUnit.Count, 1)
        self._loading(f"model failed to open: {reason}", version)

    def unexpected(self, error: Exception) -> None:
        """Something failed that should not: the log tells where."""
        self._logger.error("unexpected failure", exc_info=error)

    def _loading(self, message: str, version: int) -> None:
        self._metrics.add_metadata("message", message)
        self._metrics.add_metadata("request_id", self._request_id)
        self._metrics.add_metadata("model_version", version)
        self._metrics.flush_metrics()


def _rare(status: int, *, cold: bool) -> list[str]:
    # Not told when they did not happen: a sum is the same without zeros, and a metric costs 10 µs.
    happened = {"ClientErrors": 400 <= status < 500, "ServerErrors": status >= 500, "ColdStart": cold}
    return [name for name, so in happened.items() if so]


def _described(record: RequestRecord) -> dict[str, object]:
    return {
        "level": logging.getLevelName(logging.INFO if record.status < 500 else logging.ERROR),
        "message": record.route,
        "request_id": record.request_id,
        "status": record.status,
        "error": record.error,
        "model_version": record.version,
        "request_bytes": record.request_bytes,
        "response_bytes": record.response_bytes,
    }
