"""Measuring calls inside this process: all contestants by turns, so that a slow minute is everybody's."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles
from time import perf_counter_ns
from typing import NamedTuple

Call = Callable[[], object]


class Effort(NamedTuple):
    """How much is measured.

    Attributes:
        rounds: How often each contestant has its turn.
        seconds: How long a turn takes, about.
        full: Whether questions that take long are asked too.
    """

    rounds: int
    seconds: float
    full: bool = False


QUICK = Effort(rounds=7, seconds=0.4)
FULL = Effort(rounds=15, seconds=1.0, full=True)
SMOKE = Effort(rounds=1, seconds=0.0)


class Spread(NamedTuple):
    """What came out of several runs.

    Attributes:
        median: The middle of all.
        low: The median of the best run.
        high: The median of the worst run.
        late: What 95 of 100 stay below.
    """

    median: float
    low: float
    high: float
    late: float


def spread(runs: Sequence[Sequence[float]]) -> Spread:
    """Sums several runs up.

    Args:
        runs: What was measured in each.
    """
    every = [value for run in runs for value in run]
    medians = [median(run) for run in runs]
    late = quantiles(every, n=20)[-1] if len(every) > 1 else every[0]
    return Spread(median(every), min(medians), max(medians), late)


def measure(contestants: Mapping[str, Call], effort: Effort) -> dict[str, Spread]:
    """Measures calls, by turns, after a warm-up.

    Args:
        contestants: What is measured, by name.
        effort: How much.

    Returns:
        Seconds of one call, by name.
    """
    counts = {name: _warm_up(call, effort) for name, call in contestants.items()}
    runs: dict[str, list[list[float]]] = {name: [] for name in contestants}
    for _ in range(effort.rounds):
        for name, call in contestants.items():
            gc.collect()  # what one leaves behind is not cleaned up in another's time
            runs[name].append(_timed(call, counts[name]))
    return {name: spread(found) for name, found in runs.items()}


def _warm_up(call: Call, effort: Effort) -> int:
    """Calls it a few times, and returns how many calls fill a turn."""
    call()
    took = min(_timed(call, 2))
    count = max(2, round(effort.seconds / took))
    _timed(call, count // 4)
    return count


def _timed(call: Call, count: int) -> list[float]:
    took = []
    for _ in range(count):
        started = perf_counter_ns()
        call()
        took.append((perf_counter_ns() - started) / 1e9)
    return took
