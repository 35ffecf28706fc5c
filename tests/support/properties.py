"""How property tests run: the same examples every time, however slow the machine."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, settings


def examples[**Arguments](count: int) -> Callable[[Callable[Arguments, None]], Callable[Arguments, None]]:
    """Makes a decorator for a property test.

    Args:
        count: How many examples it tries.
    """
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        print_blob=False,
        suppress_health_check=[HealthCheck.too_slow],  # a machine that does other work too
    )
