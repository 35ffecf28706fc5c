"""How long a caller waits for a function to start."""

from __future__ import annotations

from time import monotonic

import triptych
from triptych.settings import Settings


def start_up_seconds(settings: Settings) -> float:
    """Measures how long the function took to start; to be called when it is ready.

    Lambda counts the time of a request from when the function is ready, API Gateway from when it came.

    Args:
        settings: The function's settings.

    Returns:
        Seconds that the first request has waited; 0 where functions are started ahead of requests.
    """
    return monotonic() - triptych.LOADED_AT if settings.on_demand else 0.0
