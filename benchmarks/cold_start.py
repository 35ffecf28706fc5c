"""How long does a fresh process need until its first response?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.harness.command import answer
from benchmarks.harness.measuring import Effort
from benchmarks.harness.processes import Program, measure_processes, run
from benchmarks.harness.result import Figure, Goal, Result
from benchmarks.models import TINY, file_of, repository
from benchmarks.requests import one_row
from benchmarks.trees import Tree, tree

OURS, FLOOR = "triptych", "floor"
FASTAPI, WITH_BOTO3 = "FastAPI + Mangum", "FastAPI + Mangum, S3 client at import"

_CASE = "fresh process to first answer, tiny model"
_NOTES = [
    "Files are in the disk cache, as each program ran before; AWS's work before the start is not included.",
    "The floor imports ONNX Runtime, opens the session and runs it; it has no handler.",
    "All import NumPy, ONNX Runtime and boto3 from the same layer, with the same bytecode.",
]


class Disagreement(AssertionError):
    """Contestants do not answer the same."""


def cold_start(effort: Effort) -> Result:
    """How long does a fresh process need until its first response?"""
    source = tree()
    with TemporaryDirectory() as directory:
        programs = contestants(source, Path(directory))
        _check(programs)
        found = measure_processes(programs, effort)
    figures = [Figure(_CASE, name, "s", one.seconds) for name, one in found.items()]
    figures += [Figure(_CASE, name, "bytes", one.peak) for name, one in found.items()]
    goals = [
        Goal(_CASE, "s", OURS, FLOOR, "at most", 1.3),
        Goal(_CASE, "s", WITH_BOTO3, OURS, "at least", 2),
    ]
    notes = [f"Started from {source.name}.", *_NOTES]
    return Result("cold_start", "Cold start", "full" if effort.full else "quick", figures, goals, notes=notes)


def contestants(source: Tree, directory: Path) -> dict[str, Program]:
    """Makes the programs.

    Args:
        source: Where they import from.
        directory: Where models and the event go; it is new.
    """
    models = repository(directory / "models", TINY)
    event = directory / "event.json"
    event.write_text(json.dumps(one_row()), encoding="utf-8")
    arguments = (event, file_of(models, TINY))
    return {
        OURS: source.program("function", event, models=models),
        FLOOR: source.program("floor", *arguments, models=models),
        FASTAPI: source.program("fastapi_mangum", *arguments, models=models, rivals=True),
        WITH_BOTO3: source.program("fastapi_mangum_boto3", *arguments, models=models, rivals=True),
    }


def _check(programs: Mapping[str, Program]) -> None:
    found = {
        name: json.loads(run(program).answer)["outputs"][0]["data"] for name, program in programs.items()
    }
    for name, values in found.items():
        if not np.allclose(values, found[FLOOR], rtol=1e-5):
            raise Disagreement(f"{name} does not answer as the floor does")


if __name__ == "__main__":
    answer(cold_start)
