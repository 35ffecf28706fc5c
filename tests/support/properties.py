"""How property tests run: without deadlines, the same examples every time; ten times fewer in a quick run.

`pytest --hypothesis-profile=quick` chooses the profile `quick`; without the option it is `full`.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

FULL, QUICK = 100, 10
for name, count in {"full": FULL, "quick": QUICK}.items():
    settings.register_profile(
        name,
        max_examples=count,
        derandomize=True,
        deadline=None,
        print_blob=False,
        suppress_health_check=[HealthCheck.too_slow],  # a machine that does other work too
    )
settings.load_profile("full")


def examples(count: int) -> settings:
    """Makes a decorator for a property test that needs more or fewer examples than others.

    Args:
        count: How many examples it tries in a full run.
    """
    return settings(max_examples=max(1, count * settings().max_examples // FULL))
