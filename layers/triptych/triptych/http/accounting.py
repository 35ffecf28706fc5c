"""Counting what inference does."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter_ns

from triptych.errors import TriptychError
from triptych.http.request import Request
from triptych.http.services import Services
from triptych.models.model import Model
from triptych.models.statistics import Timings


@contextmanager
def failures_counted(services: Services, model: Model) -> Generator[None]:
    """Counts an inference that fails."""
    started = perf_counter_ns()
    try:
        yield
    except TriptychError:
        services.statistics.of(model).fail.add(perf_counter_ns() - started)
        raise


def succeeded(services: Services, request: Request, model: Model, rows: int, timings: Timings) -> None:
    """Counts an inference that has an answer."""
    services.statistics.of(model).succeeded(rows, timings)
    request.record.inference_milliseconds = timings.compute_infer / 1e6
