"""Where does the time of each mode go?"""

from __future__ import annotations

import cProfile
import pstats
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.batch import rows_of_csv
from benchmarks.contestants import triptych
from benchmarks.contestants.batch.engine import transform
from benchmarks.contestants.job_world import JobWorld
from benchmarks.harness.command import answer
from benchmarks.harness.measuring import SMOKE, Effort, spread
from benchmarks.harness.result import Figure, Result
from benchmarks.harness.silence import silence
from benchmarks.jobs import bodies, drained
from benchmarks.models import ROWS_OF_20, TINY, file_of, repository
from benchmarks.requests import one_row

_NOTES = [
    "From cProfile, which exaggerates the cost of Python calls: do not rely on small shares.",
    "A package's time includes the C functions that it calls, such as orjson or arro3.",
    "`triptych.rows` contains the codecs of rows: arro3 reads, casts and writes within it.",
    "Python and libraries: everything else, such as numpy.",
]
_AREAS = (
    (re.compile(r"/triptych/triptych/(\w+)"), r"triptych.\1"),
    (re.compile(r"/aws_lambda_powertools/"), "Powertools"),
    (re.compile(r"/onnxruntime/"), "ONNX Runtime"),
    (re.compile(r"/(benchmarks|tests)/"), "the benchmark itself"),
)
_REST = "Python and libraries"
_SMALL = 2.0  # percent: less is told together

type _Place = tuple[str, int, str]


def profiles(effort: Effort) -> Result:
    """Where does the time of each mode go?"""
    few = effort is SMOKE
    figures: list[Figure] = []
    with TemporaryDirectory() as name, silence() as logs, redirect_stdout(logs):
        for case, work in _modes(Path(name), few=few).items():
            work()  # warm
            runs = [_shares(work) for _ in range(min(effort.rounds, 3))]
            figures += _figures(case, runs)
    return Result(
        "profiles", "Where the time goes", "full" if effort.full else "quick", figures, notes=_NOTES
    )


def _modes(directory: Path, *, few: bool) -> dict[str, Callable[[], object]]:
    models = repository(directory / "models", TINY, ROWS_OF_20)
    handle, request = triptych.handler(models), one_row()
    world, inputs = JobWorld(directory / "jobs", TINY, grouped=True), bodies(4 if few else 500, 4)
    rows = 500 if few else 200_000
    source = rows_of_csv(directory / "rows.csv", rows)
    calls = 4 if few else 5_000
    return {
        "real time: a tiny model, one row": lambda: [handle(request) for _ in range(calls)],
        "jobs: a tiny model, 100 an invocation": lambda: drained(world, inputs, 100),
        f"batch: {rows:,} rows of CSV": lambda: transform(
            source, file_of(models, ROWS_OF_20), directory / "out.csv"
        ),
    }


def _shares(work: Callable[[], object]) -> dict[str, float]:
    """Returns the percentage of the time by area."""
    profile = cProfile.Profile()
    profile.runcall(work)
    seconds: defaultdict[str, float] = defaultdict(float)
    found: Mapping[_Place, tuple[int, int, float, float, Mapping[_Place, tuple[int, int, float, float]]]]
    found = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # typeshed leaves it out
    for place, (_, _, own, _, callers) in found.items():
        if place[0] == "~" and callers:  # a function of C counts for those who call it
            for caller, (_, _, part, _) in callers.items():
                seconds[_area(caller)] += part
        else:
            seconds[_area(place)] += own
    total = sum(seconds.values())
    return {area: 100 * part / total for area, part in seconds.items()}


def _area(place: _Place) -> str:
    matches = ((pattern.search(place[0]), area) for pattern, area in _AREAS)
    return next((match.expand(area) for match, area in matches if match), _REST)


def _figures(case: str, runs: list[dict[str, float]]) -> list[Figure]:
    found = {area: spread([[run.get(area, 0.0)] for run in runs]) for area in runs[0]}
    large = {area: share for area, share in found.items() if share.median >= _SMALL}
    order = sorted(large, key=lambda area: -large[area].median)
    return [Figure(case, area, "%", large[area]) for area in order]


if __name__ == "__main__":
    answer(profiles)
