"""How long messages wait."""

import pytest
from triptych.jobs.consumer import retry_delay


@pytest.mark.parametrize(("receives", "longest"), [(1, 10), (2, 20), (4, 80), (7, 640), (8, 900), (50, 900)])
def test_waits_grow_and_are_spread(receives: int, longest: int) -> None:
    """Each wait is twice as long as the one before, up to a quarter of an hour, and never less than half."""
    waits = {retry_delay(10, receives) for _ in range(200)}
    assert (longest + 1) // 2 <= min(waits) < max(waits) <= longest
