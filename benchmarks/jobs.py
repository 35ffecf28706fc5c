"""How many jobs does a worker do, grouped and one by one, and how long do they wait in a burst?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import numpy as np
from triptych.batches.estimate import LAMBDA_GB_SECOND, LAMBDA_REQUEST

from benchmarks.contestants.job_world import JobWorld
from benchmarks.harness.command import answer
from benchmarks.harness.measuring import SMOKE, Effort, spread
from benchmarks.harness.result import Figure, Goal, Result
from benchmarks.harness.silence import silence
from benchmarks.models import HEAVY, TINY

GROUPED, ALONE = "triptych, grouped", "triptych, one by one"
_MODELS = {HEAVY: ("a model of 36 MB of weights", 64), TINY: ("a tiny model", 4)}
_SIZES = (1, 10, 100)
_GIGABYTES = 1769 / 1024  # as the template has it
_NOTES = [
    "The worker is the real one, with its log lines. Records, results and messages are in memory.",
    "Calls to AWS are not included: several for each job, 16 at once, of about 10 ms.",
    "'One by one' is the same worker with `group = false` in model.toml.",
    "The price is that of Lambda only, list price: 1,769 MB for the measured time, and each invocation.",
    "A burst arrives at once; one worker receives 100 messages per invocation until none is left.",
]


class Timed(NamedTuple):
    """A burst that was worked through.

    Attributes:
        seconds: How long it took.
        waited: Seconds until each job was done.
    """

    seconds: float
    waited: list[float]


def jobs(effort: Effort) -> Result:
    """How many jobs does a worker do, and how long do they wait?"""
    figures: list[Figure] = []
    for model, (called, width) in _MODELS.items():
        for size in _SIZES:
            made = bodies(max(size, 4 if effort is SMOKE else 200 if effort.full else 100), width)
            found = _by_turns(model, made, size, effort)
            figures += _figures(f"{called}, {size} an invocation", size, len(made), found)
        burst = bodies(8 if effort is SMOKE else 1000, width)
        figures += _waiting(f"{called}, {len(burst)} at once", _by_turns(model, burst, _SIZES[-1], effort))
    goal = Goal(f"{_MODELS[HEAVY][0]}, 100 an invocation", "jobs/s", GROUPED, ALONE, "at least", 4)
    return Result("jobs", "Jobs", "full" if effort.full else "quick", figures, [goal], notes=_NOTES)


def drained(world: JobWorld, inputs: Sequence[bytes], size: int) -> Timed:
    """Submits jobs, and has them done.

    Args:
        world: Where.
        inputs: Their inputs.
        size: Messages of one invocation.
    """
    deliveries = world.submit(inputs)
    waited: list[float] = []
    started = perf_counter()
    for messages in batched(deliveries, size, strict=False):
        world.work(messages)
        waited += [perf_counter() - started] * len(messages)
    seconds = perf_counter() - started
    if len(world.results()) != len(inputs):
        raise RuntimeError("jobs are left")
    world.forget()
    return Timed(seconds, waited)


def bodies(count: int, width: int) -> list[bytes]:
    """Makes requests of one row.

    Args:
        count: How many.
        width: Numbers in a row.
    """
    values = np.random.default_rng(count).standard_normal((count, width)).round(6).tolist()
    return [
        json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, width], "data": row}]}).encode()
        for row in values
    ]


def _by_turns(model: str, inputs: Sequence[bytes], size: int, effort: Effort) -> dict[str, list[Timed]]:
    with TemporaryDirectory() as directory, silence() as logs, redirect_stdout(logs):
        worlds = {
            name: JobWorld(Path(directory) / name, model, grouped=name == GROUPED)
            for name in (GROUPED, ALONE)
        }
        for world in worlds.values():
            drained(world, inputs[: 2 * size], size)
        turns: dict[str, list[Timed]] = {name: [] for name in worlds}
        for _ in range(min(effort.rounds, 5)):
            for name, world in worlds.items():
                turns[name].append(drained(world, inputs, size))
    return turns


def _figures(case: str, size: int, count: int, found: dict[str, list[Timed]]) -> list[Figure]:
    rates = {name: [count / one.seconds for one in turns] for name, turns in found.items()}
    price = f"{case}, Lambda's price of a million"
    return [
        *(Figure(case, name, "jobs/s", spread([[rate] for rate in runs])) for name, runs in rates.items()),
        *(
            Figure(price, name, "$", spread([[_price(rate, size)] for rate in runs]))
            for name, runs in rates.items()
        ),
    ]


def _price(rate: float, size: int) -> float:
    """Prices a million jobs, in dollars."""
    return 1e6 * (LAMBDA_GB_SECOND * _GIGABYTES / rate + LAMBDA_REQUEST / size)


def _waiting(case: str, found: dict[str, list[Timed]]) -> list[Figure]:
    return [
        Figure(f"{case}, time in queue", name, "s", spread([one.waited for one in turns]))
        for name, turns in found.items()
    ]


if __name__ == "__main__":
    answer(jobs)
