"""The program itself, with everything that it does for a request: routing, validation, metrics, log line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from triptych.deployment import Deployment
from triptych.settings import Settings, TelemetrySettings

from benchmarks.contestants.handler import Handler
from tests.support.realtime import DOCUMENTS, Invocation


def handler(models: Path) -> Handler:
    """Makes the function that answers in real time.

    Args:
        models: A model repository.
    """
    settings = Settings(
        storages=(str(models),),
        refresh_seconds=60,
        preload=(),
        memory_megabytes=1769,
        cache=models,
        telemetry=TelemetrySettings("realtime", "Triptych", "INFO"),
    )
    application = Deployment(settings).realtime(DOCUMENTS)
    context = Invocation()

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        return application(event, context)

    return handle
