"""How many rows of a file a second, and in how much memory?"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from arro3.core import DataType, Field, Schema
from triptych.protocol.tensors import Array

from benchmarks.contestants.batch.floor import read, write
from benchmarks.harness.command import answer
from benchmarks.harness.measuring import Effort, Spread
from benchmarks.harness.processes import Processes, Program, ProgramFailed, measure_processes, run
from benchmarks.harness.result import Figure, Goal, Missing, Result
from benchmarks.models import ROOT, ROWS_OF_20, file_of, repository
from benchmarks.servers import NotServing, Peer, installed

OURS, FLOOR = "triptych", "arro3, ONNX Runtime, arro3"
COLUMNS = 20
_OTHERS = {".parquet": "Parquet", ".jsonl": "JSON Lines"}
_BLOCK = 10_000
GROWTH = "triptych by size of file, time of a million rows and peak"
_NOTES = [
    "From an id and 20 columns of four decimals, to the id and a prediction, in the same format.",
    "Whole processes, including their start, from disk to disk; memory includes child processes.",
    "triptych is the engine of a worker, which checks every cell and separates failed records.",
    "S3, planning and joining are not included.",
    "The floor knows the types, checks nothing, and stops at the first bad cell.",
    "Mini-batches: like SageMaker, 6 MB at a time to a server with pandas on loopback, one by one.",
]


class Rival(NamedTuple):
    """A way to transform a file that people use.

    Attributes:
        name: What it is called.
        folder: Folder of its script and its requirements.
        script: Its script.
    """

    name: str
    folder: str
    script: str


PANDAS = Rival("pandas script", "dataframes", "pandas_script")
RAY = Rival("Ray Data", "ray", "ray_script")
RIVALS = [
    PANDAS,
    Rival("polars script", "dataframes", "polars_script"),
    Rival("mini-batches over HTTP", "dataframes", "mini_batches"),
    RAY,
]


def batch(effort: Effort, rivals: list[Rival] = RIVALS) -> Result:
    """How many rows of a file a second, and in how much memory?"""
    missing: list[Missing] = []
    measured: dict[int, dict[str, Processes]] = {}
    others: dict[str, dict[str, Processes]] = {}
    few = effort._replace(rounds=min(effort.rounds, 3))
    middle = 10**6 if effort.full else _sizes(effort)[0]
    with TemporaryDirectory() as name:
        directory = Path(name)
        model = file_of(repository(directory / "models", ROWS_OF_20), ROWS_OF_20)
        found = _interpreters(rivals, missing)
        for rows in _sizes(effort):
            if rows > 10**6:  # who is slow is slow enough to see by then
                found = {}
            source = rows_of_csv(directory / f"{rows}.csv", rows)
            able = _able(contestants(source, model, directory, found), missing)
            found = {rival: python for rival, python in found.items() if rival.name in able}
            measured[rows] = measure_processes(able, few, warm=True)
            if rows == middle:
                others = {form: _other(converted(source, form), model, directory, few) for form in _OTHERS}
            source.unlink()
    figures = [figure for rows in measured for figure in _figures(_case(rows), rows, measured[rows])]
    goals = [goal for rows in measured for goal in _goals(rows, measured[rows])] + _steady(measured)
    for form, found_of_form in others.items():
        case = f"{_case(middle)} of {_OTHERS[form]}"
        figures += _figures(case, middle, found_of_form)
        goals += [Goal(case, "rows/s", OURS, FLOOR, "at least", 0.85)] if effort.full else []
    effort_name = "full" if effort.full else "quick"
    title = "Batch: from file to file"
    return Result("batch", title, effort_name, figures + _growth(measured), goals, missing, _NOTES)


def _other(source: Path, model: Path, directory: Path, effort: Effort) -> dict[str, Processes]:
    """Measures a file of another format than CSV beside its floor."""
    programs = _able(contestants(source, model, directory, {}), [])
    measured = measure_processes(programs, effort, warm=True)
    source.unlink()
    return measured


def rows_of_csv(path: Path, rows: int) -> Path:
    """Writes a file of random rows, of which no more than some thousand differ by more than their number.

    Args:
        path: Where.
        rows: How many.

    Returns:
        The path.
    """
    block = np.random.default_rng(rows).normal(size=(min(_BLOCK, rows), COLUMNS))
    cells = [",".join(f"{number:.4f}" for number in row) for row in block]
    with path.open("w", encoding="ascii") as file:
        file.write(",".join(["id", *(f"x_{number}" for number in range(COLUMNS))]) + "\n")
        file.writelines(f"{number},{cells[number % _BLOCK]}\n" for number in range(rows))
    return path


def converted(source: Path, suffix: str) -> Path:
    """Writes a file of CSV in another format beside it, and returns its path."""
    target = source.with_suffix(suffix)
    write(read(source), target)
    return target


def contestants(
    source: Path, model: Path, directory: Path, rivals: Mapping[Rival, Path]
) -> dict[str, Program]:
    """Makes the programs.

    Args:
        source: The file.
        model: The `.onnx` file.
        directory: Where outputs go.
        rivals: The interpreter of each rival.
    """
    own = ROOT / "benchmarks/contestants/batch"
    scripts = {
        OURS: (Path(sys.executable), own / "engine.py"),
        FLOOR: (Path(sys.executable), own / "floor.py"),
    }
    for rival, interpreter in rivals.items():
        scripts[rival.name] = interpreter, ROOT / "benchmarks/peers" / rival.folder / f"{rival.script}.py"
    paths = f"{ROOT}:{ROOT / 'layers/triptych'}"
    programs: dict[str, Program] = {}
    for name, (interpreter, script) in scripts.items():
        target = directory / f"{script.stem}{source.suffix}"
        command = [str(interpreter), "-P", *map(str, (script, source, model, target))]
        environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}
        programs[name] = Program(command, environment | ({"PYTHONPATH": paths} if name == OURS else {}))
    return programs


def _interpreters(rivals: list[Rival], missing: list[Missing]) -> dict[Rival, Path]:
    found: dict[Rival, Path] = {}
    for rival in rivals:
        try:
            found[rival] = installed(Peer(rival.name, rival.folder))
        except NotServing as error:
            missing.append(Missing(rival.name, str(error)))
    return found


def _sizes(effort: Effort) -> list[int]:
    if effort.full:
        return [10**4, 10**5, 10**6, 10**7]
    return [10**5, 10**6] if effort.rounds > 1 else [500]


def _able(programs: Mapping[str, Program], missing: list[Missing]) -> dict[str, Program]:
    """Runs each once, leaves out rivals that fail, and compares what the others have written."""
    able: dict[str, Program] = {}
    for name, program in programs.items():
        try:
            run(program)
        except ProgramFailed as error:
            if name in {OURS, FLOOR}:
                raise
            missing.append(Missing(name, str(error)[-300:]))
        else:
            able[name] = program
    _check(able)
    return able


def _check(programs: Mapping[str, Program]) -> None:
    """Compares what programs have written."""
    expected = _predictions(programs[FLOOR])
    for name, program in programs.items():
        found = _predictions(program)
        if not np.allclose(expected, found, rtol=1e-4, atol=1e-4):
            raise AssertionError(f"{name} does not predict what the floor does")


def _predictions(program: Program) -> Array:
    """Reads ids and predictions, of shape `[rows, 2]`."""
    target = Path(program.command[-1])
    columns = [Field("id", DataType.int64()), Field("y", DataType.float64())]
    batches = [batch.columns for batch in read(target, Schema(columns))]
    return np.stack([np.concatenate([batch[column].to_numpy() for batch in batches]) for column in (0, 1)], 1)


def _figures(case: str, rows: int, measured: Mapping[str, Processes]) -> list[Figure]:
    rates = [Figure(case, name, "rows/s", _rate(rows, one.seconds)) for name, one in measured.items()]
    return rates + [Figure(case, name, "bytes", one.peak) for name, one in measured.items()]


def _goals(rows: int, measured: Mapping[str, Processes]) -> list[Goal]:
    if rows < 10**6:
        return []
    wanted = [(FLOOR, 0.85), (PANDAS.name, 2.0), (RAY.name, 2.0)]
    case = _case(rows)
    return [Goal(case, "rows/s", OURS, other, "at least", by) for other, by in wanted if other in measured]


def _growth(measured: Mapping[int, Mapping[str, Processes]]) -> list[Figure]:
    """Returns how the figures of the program change with the size of the file."""
    ours = {_case(rows): found[OURS] for rows, found in measured.items()}
    if len(ours) < 2:
        return []
    times = [
        Figure(GROWTH, _case(rows), "s", _by(found[OURS].seconds, 10**6 / rows))
        for rows, found in measured.items()
    ]
    return times + [Figure(GROWTH, case, "bytes", one.peak) for case, one in ours.items()]


def _steady(measured: Mapping[int, object]) -> list[Goal]:
    if 10**7 not in measured:
        return []
    small, middle, large = _case(10**5), _case(10**6), _case(10**7)
    return [
        Goal(GROWTH, "s", large, middle, "at most", 1.1),
        Goal(GROWTH, "bytes", large, small, "at most", 1.1),
    ]


def _by(value: Spread, factor: float) -> Spread:
    return Spread(*(one * factor for one in value))


def _case(rows: int) -> str:
    return f"{rows:,} rows"


def _rate(rows: int, seconds: Spread) -> Spread:
    return Spread(rows / seconds.median, rows / seconds.high, rows / seconds.low, rows / seconds.late)


if __name__ == "__main__":
    answer(batch)
