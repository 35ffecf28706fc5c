"""The pace of writes, and how the workers of a stack share it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from triptych.aws.table import Pacer
from triptych.batches.lookup import LookupRate
from triptych.clock import Deadline
from triptych.errors import DeadlineExceeded

from tests.unit.fakes.clock import Clock


def test_even_pace() -> None:
    """The first writes are at once; each waits as long as those before it take at the pace."""
    clock = Clock()
    pacer = Pacer(50, Deadline(math.inf), clock.advance, clock)
    begun = []
    for count in (25, 10, 5):
        pacer.wait(count)
        begun.append(clock.now - 1000)
    assert [0.0, 0.5, 0.7] == [round(seconds, 9) for seconds in begun]


def test_rest_is_not_made_up_for() -> None:
    """After a pause, writes go at the pace, not in a burst."""
    clock = Clock()
    pacer = Pacer(50, Deadline(math.inf), clock.advance, clock)
    clock.advance(100)
    pacer.wait(25)
    pacer.wait(25)
    assert clock.now == 1100.5


def test_no_wait_beyond_the_deadline() -> None:
    """Writes that are due too late are refused before the wait."""
    clock = Clock()
    pacer = Pacer(1, Deadline(1010), clock.advance, clock)
    pacer.wait(9)
    pacer.wait(2)
    with pytest.raises(DeadlineExceeded, match="raise LookupWritesPerSecond"):
        pacer.wait(1)
    assert clock.now == 1009


RATES = st.builds(
    LookupRate, total=st.integers(100, 40_000), uploads=st.integers(2, 1000), chunks=st.integers(1, 10_000)
)


@given(RATES, st.integers(1, 10_000) | st.none())
def test_shares_are_the_whole(rate: LookupRate, chunks: int | None) -> None:
    """All workers that there may be at once write what the stack may write, no more and no less."""
    at_once = rate.chunks if chunks is None else min(rate.chunks, chunks)
    assert rate.total == pytest.approx(rate.uploads * rate.of_upload() + at_once * rate.of_chunk(chunks))
