"""An ASGI application as a function behind API Gateway."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from benchmarks.contestants.handler import Handler
from tests.support.realtime import Invocation


def mangum(application: FastAPI) -> Handler:
    """Wraps an application in Mangum."""
    adapter: Any = Mangum(application, lifespan="off")
    context = Invocation()

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = adapter(event, context)
        return answer

    return handle
