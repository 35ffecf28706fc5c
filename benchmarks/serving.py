"""What does it cost to run models in a function of their own, in time, memory and money?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest import mock

from triptych.aws.invocation import RemoteFunction
from triptych.batches.estimate import LAMBDA_GB_SECOND, LAMBDA_REQUEST
from triptych.clock import Deadline
from triptych.deployment import Deployment
from triptych.http.application import Application
from triptych.http.models import InferenceServices
from triptych.models.remote import DEADLINE
from triptych.settings import Settings, TelemetrySettings

from benchmarks.contestants import triptych
from benchmarks.contestants.handler import Handler
from benchmarks.harness.command import answer
from benchmarks.harness.measuring import SMOKE, Effort, Spread, measure
from benchmarks.harness.processes import Processes, Program, measure_processes, run
from benchmarks.harness.result import Figure, Result
from benchmarks.harness.silence import silence
from benchmarks.models import PENGUINS, TINY, WIDE, repository
from benchmarks.requests import Event, many_floats, many_floats_binary, one_row, penguins_csv
from benchmarks.trees import Tree, tree
from costs.ways import CALL, MILLION
from tests.support.realtime import DOCUMENTS, Invocation

PROCESSOR = 1769
"""Megabytes of a function that has one processor."""

ONE, TWO = "triptych, Monolith", "triptych, Microservices"
WARM, FRESH = f"{TWO}, the other function warm", f"{TWO}, both cold"
FRONT, INFERENCE = f"{TWO}: front", f"{TWO}: InferenceFunction"

_COLD = "fresh process to first answer, tiny model"
_NOTES = [
    (
        "The front signs its calls and sends them over loopback to a process that runs the models. Lambda "
        "itself adds about 10 ms to a call, which is in the prices and not in the times."
    ),
    "Prices are of Lambda alone: API Gateway, logs and traces of the front are the same in both forms.",
    (
        "They are of 1,769 MB for what runs models, where nothing else is said, and 512 MB for a front, "
        "whose own work then takes 3.5 times as long."
    ),
    "Prices with a model of 100 ms are computed, not measured; with 8 GB the front has 1,769 MB.",
]


class Work(NamedTuple):
    """What a request takes.

    Attributes:
        name: What it is called.
        own: Seconds of everything but the model, on one processor.
        model: Seconds of the model.
        memory: Megabytes of a function that runs it.
        front: Megabytes of a function that does the rest.
    """

    name: str
    own: float
    model: float
    memory: int = 1769
    front: int = 512


COMPUTED = (
    Work("1 ms of own work, a model of 100 ms", 0.001, 0.1),
    Work("20 ms of own work, a model of 100 ms", 0.02, 0.1),
    Work("50 ms of own work, a model of 100 ms in 8 GB", 0.05, 0.1, 8192, 1769),
    Work("300 ms of own work, a model of 100 ms in 8 GB", 0.3, 0.1, 8192, 1769),
)


class Disagreement(AssertionError):
    """The two forms do not answer the same."""


def serving(effort: Effort) -> Result:
    """What does it cost to run models in a function of their own?"""
    whole, front = tree(), tree(wheels="LibrariesLayer")
    inference = tree("inference")
    figures: list[Figure] = []
    with TemporaryDirectory() as directory:
        models = repository(Path(directory) / "models", TINY, WIDE, PENGUINS)
        event = Path(directory) / "event.json"
        event.write_text(json.dumps(one_row()), encoding="utf-8")
        figures += _warm(models, inference, effort)
        figures += _cold(models, event, (whole, front, inference), effort)
    for work in COMPUTED:
        figures += _computed(work)
    notes = [f"Started from {whole.name}.", *_NOTES]
    return Result(
        "serving", "Monolith or microservices", "full" if effort.full else "quick", figures, notes=notes
    )


def _warm(models: Path, inference: Tree, effort: Effort) -> list[Figure]:
    figures: list[Figure] = []
    with _service(inference, models, "warm") as url, _environment(url), silence() as logs:
        one, caller = triptych.handler(models), RemoteFunction("inference", "the inference function")
        two, events = _front(models, caller)
        other = _handler(Deployment(_settings(models, "inference")).inference())
        for name, event in requests(small=effort is SMOKE):
            with redirect_stdout(logs):
                _check(name, one(event), two(event))
                sent = json.loads(events[-1])
                del sent["requestContext"][DEADLINE]  # it would be over
                calls = {ONE: _call(one, event), TWO: _call(two, event), INFERENCE: _call(other, sent)}
                times = measure(calls, effort)
            figures += [Figure(name, who, "s", time) for who, time in times.items()]
            first, both, model = (times[who].median for who in (ONE, TWO, INFERENCE))
            figures += _prices(name, one_function(first), two_functions(both - model, model))
        caller.close()
    return figures


def requests(*, small: bool) -> list[tuple[str, Event]]:
    """Returns the requests by name."""
    many = 10 if small else 1000
    return [
        ("tiny model, one row, JSON", one_row()),
        ("1,000 rows, CSV", penguins_csv(many)),
        ("100k floats, JSON", many_floats(many)),
        ("100k floats, binary", many_floats_binary(many)),
    ]


def _cold(models: Path, event: Path, trees: tuple[Tree, Tree, Tree], effort: Effort) -> list[Figure]:
    whole, front, inference = trees
    with _service(inference, models, "warm") as warm, _service(inference, models, "fresh") as fresh:
        programs = {
            ONE: whole.program("function", event, models=models),
            WARM: _calling(front.program("function", event, models=models), warm),
            FRESH: _calling(front.program("function", event, models=models), fresh),
        }
        if len({run(program).answer for program in programs.values()}) > 1:
            raise Disagreement("the two forms do not answer the same")
        found = measure_processes(programs, effort)
    alone = _alone(inference, models, event, effort)
    times = [Figure(_COLD, name, "s", one.seconds) for name, one in found.items()]
    memory = {ONE: found[ONE], FRONT: found[WARM], INFERENCE: alone}
    return times + [Figure(_COLD, name, "bytes", one.peak) for name, one in memory.items()]


def _alone(inference: Tree, models: Path, event: Path, effort: Effort) -> Processes:
    """Measures the inference function with its first request."""
    program = inference.program("inference_once", event, models=models)
    return measure_processes({INFERENCE: program}, effort)[INFERENCE]


def one_function(seconds: float, memory: int = 1769) -> float:
    """Returns what a million requests cost in one function, in US dollars, of Lambda alone.

    Args:
        seconds: Of one request.
        memory: Megabytes of the function.
    """
    billed = ceil(seconds * 1000) / 1000  # Lambda counts whole milliseconds
    return MILLION * (billed * memory / 1024 * LAMBDA_GB_SECOND + LAMBDA_REQUEST)


def two_functions(own: float, model: float, memory: int = 1769, front: int = 512) -> float:
    """Returns what they cost in two: the front is paid for while it waits.

    Args:
        own: Seconds of the front on one processor, without waiting.
        model: Seconds of the inference function.
        memory: Its megabytes.
        front: Megabytes of the front, which has less than a processor below 1,769.
    """
    waited = own * max(1.0, PROCESSOR / front) + model + CALL
    return one_function(waited, front) + one_function(model, memory)


def _computed(work: Work) -> list[Figure]:
    first = one_function(work.own + work.model, work.memory)
    return _prices(work.name, first, two_functions(work.own, work.model, work.memory, work.front))


def _prices(name: str, first: float, second: float) -> list[Figure]:
    return [
        Figure(f"a million: {name}", who, "$", Spread(dollars, dollars, dollars, dollars))
        for who, dollars in ((ONE, first), (TWO, second))
    ]


def _check(name: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    if first["body"] != second["body"]:
        raise Disagreement(f"{name}: the two forms do not answer the same")


def _call(handler: Handler, event: Event) -> Callable[[], object]:
    return lambda: handler(event)


def _calling(program: Program, url: str) -> Program:
    return Program(program.command, {**program.environment, **_variables(url)})


def _variables(url: str) -> dict[str, str]:
    return {
        "INFERENCE_FUNCTION": "inference",
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1",
    }


def _settings(models: Path, service: str, function: str = "") -> Settings:
    return Settings(
        storages=(str(models),),
        refresh_seconds=60,
        preload=(),
        memory_megabytes=1769,
        cache=models,
        telemetry=TelemetrySettings(service, "Triptych", "INFO"),
        inference_function=function,
    )


def _front(models: Path, call: RemoteFunction) -> tuple[Handler, list[bytes]]:
    """Makes a front, and the list that holds the event which it sent last."""
    deployment, sent = Deployment(_settings(models, "realtime", "inference")), list[bytes]()

    def noted(payload: bytes, deadline: Deadline) -> bytes:
        sent[:] = [payload]
        return call(payload, deadline)

    deployment.inference_function = noted
    return _handler(deployment.realtime(DOCUMENTS)), sent


def _handler(application: Application[InferenceServices]) -> Handler:
    context = Invocation(900_000)
    return lambda event: application(event, context)


@contextmanager
def _environment(url: str) -> Generator[None]:
    with mock.patch.dict("os.environ", _variables(url)):
        yield


@contextmanager
def _service(inference: Tree, models: Path, mode: str) -> Generator[str]:
    """Runs the inference function behind a service on loopback; gives its URL."""
    program = inference.program("lambda_service", mode, models=models)
    with subprocess.Popen(  # noqa: S603 - our own program
        program.command,
        env=dict(program.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


if __name__ == "__main__":
    answer(serving)
