"""What plans take and cost: by hand for one, in the right direction for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from triptych.batches.estimate import Cost, Work, cost_of, estimate

SMALL = Work(size=8 << 20, files=1, chunks=1, memory=1024)
WORKS = st.builds(
    Work,
    size=st.integers(0, 10**12),
    files=st.integers(1, 100),
    chunks=st.integers(1, 10_000),
    memory=st.integers(128, 10_240),
    lookups=st.integers(0, 10**9),
    written=st.none() | st.integers(0, 10**12),
    plain=st.none() | st.integers(0, 10**13),
    images=st.integers(0, 10**6),
)


def test_small_file() -> None:
    """A file of one chunk costs a worker's time and a few requests, and no state machine."""
    cost = cost_of(SMALL, 10)
    assert 10 * 0.0000166667 + 0.20e-6 == pytest.approx(cost.compute)
    assert (1 + 4 + 4) * 0.40e-6 + (1 + 2 + 4) * 5e-6 == pytest.approx(cost.storage)
    assert (4 + 2) * 0.625e-6 + 6 * 0.125e-6 + 1.50e-6 == pytest.approx(cost.records)
    assert 0 == cost.orchestration
    assert sum(cost) == cost.total


def test_distributed() -> None:
    """Chunks of the state machine cost its transitions, and the copies of their parts."""
    work = SMALL._replace(chunks=100)
    cost = cost_of(work, 10)
    assert 510 * 25e-6 == pytest.approx(cost.orchestration)
    assert (100 + 1 + 3) * 0.20e-6 + 10 * 0.0000166667 == pytest.approx(cost.compute)


def test_lookups() -> None:
    """Each prediction that can be looked up is a write."""
    without, cost = cost_of(SMALL, 10), cost_of(SMALL._replace(lookups=1_000_000), 10)
    assert 0.625 == pytest.approx(cost.total - without.total)


def test_lookups_take_time() -> None:
    """Each prediction that can be looked up takes its time at a worker's share, which costs."""
    without = estimate(SMALL, lookup_writes=50)
    told = estimate(SMALL._replace(lookups=1_000), lookup_writes=50)
    assert 20 == pytest.approx(told.seconds - without.seconds)
    assert 20 * 0.0000166667 + 1_000 * 0.625e-6 == pytest.approx(told.cost.total - without.cost.total)


def test_compressed() -> None:
    """Workers deal with what a file decompresses to; what is read of it stays small."""
    known, told = estimate(SMALL), estimate(SMALL._replace(plain=80 << 20))
    assert 9 * (8 << 20) / 4_000_000 == pytest.approx(told.seconds - known.seconds)
    assert told.cost.storage - known.cost.storage == pytest.approx(9 * 5e-6)  # of the output


def test_described() -> None:
    """Amounts are told to a millionth of a dollar, with their sum."""
    assert {
        "compute_usd": 1.0,
        "storage_usd": 0.5,
        "records_usd": 0.25,
        "orchestration_usd": 0.000001,
        "total_usd": 1.750001,
    } == Cost(1.0, 0.5, 0.25, 0.0000009).described()


def test_waves() -> None:
    """Chunks beyond those that run at once wait for the next wave."""
    work = Work(size=400_000_000, files=1, chunks=4, memory=1024)
    one, two = estimate(work, pace=10_000_000, concurrency=4), estimate(work, 10_000_000, 2)
    assert (15.0, 25.0) == (one.seconds, two.seconds)


@given(WORKS)
def test_more_costs_more(work: Work) -> None:
    """More bytes never take less time or money; more workers at once never take longer."""
    known = estimate(work)
    assert known.seconds > 0
    assert all(amount >= 0 for amount in known.cost)
    larger = estimate(work._replace(size=2 * work.size))
    assert larger.seconds >= known.seconds
    assert larger.cost.total >= known.cost.total
    assert estimate(work, concurrency=1000).seconds <= known.seconds
