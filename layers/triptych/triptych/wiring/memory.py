"""What a function may hold in memory."""

from __future__ import annotations

from triptych.models.memory import bound_memory
from triptych.protocol.compression import PLAIN_LIMIT
from triptych.settings import Settings


def stay_within_memory(settings: Settings) -> None:
    """Makes what is too large fail in the process, and bounds what is held as a whole by the memory.

    Args:
        settings: The function's settings; nothing is bounded where they do not say so.
    """
    if settings.bounded:
        bound_memory(settings.memory_megabytes << 20)
        PLAIN_LIMIT.follow(settings.memory_megabytes)
