"""How long does a fresh process need until its first response?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.functions import FUNCTIONS, Account, Function, account
from benchmarks.harness.command import answer
from benchmarks.harness.measuring import Effort
from benchmarks.harness.processes import Program, measure_processes, run
from benchmarks.harness.result import Figure, Goal, Result
from benchmarks.models import TINY, file_of, repository
from benchmarks.requests import one_row
from benchmarks.trees import Tree, tree

OURS, FLOOR = "triptych", "floor"
FASTAPI, WITH_BOTO3 = "FastAPI + Mangum", "FastAPI + Mangum, S3 client at import"

CASE = "fresh process to first answer, tiny model"
DEFAULT = f"{CASE}, repository in layer and bucket"
BARE = "bare function, same clients"
_NOTES = [
    "Files are in the disk cache, as each program ran before; AWS's work before the start is not included.",
    "The floor imports ONNX Runtime, opens the session and runs it; it has no handler.",
    "A bare function calls the services that ours calls, each once, and runs a model if ours does.",
    "All import NumPy, ONNX Runtime and boto3 from the same layer, with the same bytecode.",
]


SDK_NAMES = {"states": "stepfunctions"}
"""Services that boto3 calls otherwise than a signature does."""


class Disagreement(AssertionError):
    """Contestants do not answer the same."""


def cold_start(effort: Effort, functions: Sequence[Function] = FUNCTIONS) -> Result:
    """How long does a fresh process need until its first response?"""
    source = tree()
    with TemporaryDirectory() as directory:
        programs = contestants(source, Path(directory))
        _check(programs)
        found = {CASE: measure_processes(programs, effort)}
        with account() as aws:
            found[DEFAULT] = measure_processes(_as_deployed(programs, aws), effort)
            for function in functions:
                pair = _pair(function, aws, source, Path(directory), effort)
                found[function.name] = measure_processes(pair, effort, warm=True)
    figures = [
        Figure(case, name, "s", one.seconds)
        for case, by_name in found.items()
        for name, one in by_name.items()
    ]
    figures += [Figure(CASE, name, "bytes", one.peak) for name, one in found[CASE].items()]
    goals = [
        Goal(CASE, "s", OURS, FLOOR, "at most", 1.3),
        Goal(CASE, "s", WITH_BOTO3, OURS, "at least", 2),
        Goal(DEFAULT, "s", OURS, FLOOR, "at most", 1.6),
        *(Goal(function.name, "s", OURS, BARE, "at most", 1.5) for function in functions),
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


def _as_deployed(programs: Mapping[str, Program], aws: Account) -> dict[str, Program]:
    """Adds a bucket of models, which is empty, to what the function asks."""
    ours = programs[OURS]
    repository = f"{ours.environment['MODEL_REPOSITORY']},s3://batch-work/models"
    variables = {**ours.environment, **aws.environment, "MODEL_REPOSITORY": repository}
    return {OURS: Program(ours.command, variables), FLOOR: programs[FLOOR]}


def _pair(
    function: Function, aws: Account, source: Tree, directory: Path, effort: Effort
) -> dict[str, Program]:
    """Makes a function and a bare one that calls the same services, and runs each once."""
    events = directory / function.handler
    aws.write_events(function, events, effort.rounds + 1)
    ours = source.program("invoke", function.handler, events, models=directory / "models")
    paths = ":".join(map(str, [*aws.handlers, ours.environment["PYTHONPATH"]]))
    ours = Program(ours.command, {**ours.environment, **aws.environment, "PYTHONPATH": paths})
    with aws.services() as called:
        run(ours)
    model = [file_of(directory / "models", TINY)] if function.runs else []
    names = ",".join(sorted(SDK_NAMES.get(service, service) for service in called))
    bare = source.program("bare", names, *model, models=directory / "models", rivals=True)
    bare = Program(bare.command, {**bare.environment, **aws.environment})
    run(bare)
    return {OURS: ours, BARE: bare}


def _check(programs: Mapping[str, Program]) -> None:
    found = {
        name: json.loads(run(program).answer)["outputs"][0]["data"] for name, program in programs.items()
    }
    for name, values in found.items():
        if not np.allclose(values, found[FLOOR], rtol=1e-5):
            raise Disagreement(f"{name} does not answer as the floor does")


if __name__ == "__main__":
    answer(cold_start)
