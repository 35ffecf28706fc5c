"""What a caller may choose about a job, checked."""

from __future__ import annotations

import re
from typing import NamedTuple

from triptych.errors import BadRequest
from triptych.lifecycle.notification import target

MIN_TIME_TO_LIVE = 60
MAX_TIME_TO_LIVE = 864_000
"""Seconds, ten days: the queue forgets a message after thirteen, and its last attempt takes time as well."""
MAX_DELAY = 900  # seconds that SQS holds a message back at most
_WHOLE = re.compile(r"[0-9]{1,9}")


class Options(NamedTuple):
    """What a caller chose.

    Attributes:
        time_to_live: Seconds in which the job must be started.
        delay: Seconds that it is held back.
        target: Label for those who filter notifications.
    """

    time_to_live: int
    delay: int = 0
    target: str | None = None


class OptionLimits(NamedTuple):
    """What options may be.

    Attributes:
        time_to_live: Seconds, where the caller does not say.
        longest: Seconds, the longest time to live.
    """

    time_to_live: int
    longest: int


def options(chosen: dict[str, object], limits: OptionLimits) -> Options:
    """Reads the options of a job: `time_to_live`, `delay` and `target`.

    Args:
        chosen: Values by name, as text or as JSON gives them.
        limits: What they may be.

    Raises:
        BadRequest: One of them is not what it may be.
    """
    time_to_live = _seconds(chosen, "time_to_live", limits.time_to_live, MIN_TIME_TO_LIVE, limits.longest)
    delay = _seconds(chosen, "delay", 0, 0, MAX_DELAY)
    if delay >= time_to_live:
        raise BadRequest(f"delay: the job would expire ({time_to_live} s) before it is started ({delay} s)")
    return Options(time_to_live, delay, target(chosen.get("target")))


def _seconds(chosen: dict[str, object], name: str, default: int, least: int, most: int) -> int:
    value = chosen.get(name)
    if value is None:
        return default
    number = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
    if type(number) is not int or not least <= number <= most:
        raise BadRequest(f"{name}: expected whole seconds from {least} to {most}, got {str(value)[:32]!r}")
    return number
