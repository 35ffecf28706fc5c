"""How long does a warm function take for a request, all in all, in this process?"""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks.contestants import by_hand, fastapi_rows, fastapi_tensors, floor, triptych
from benchmarks.contestants.handler import Handler
from benchmarks.contestants.mangum_handler import mangum
from benchmarks.harness.command import answer
from benchmarks.harness.measuring import SMOKE, Effort, measure
from benchmarks.harness.result import Figure, Goal, Result
from benchmarks.harness.silence import silence
from benchmarks.models import PENGUINS, TEXTS, TINY, WIDE, file_of, repository
from benchmarks.requests import (
    Event,
    many_floats,
    many_floats_binary,
    one_row,
    penguins_csv,
    penguins_json,
    penguins_lines,
    texts_rows,
    texts_tensor,
)

OURS, FLOOR, HAND = "triptych", "floor", "handler by hand"
FASTAPI, IN_THREADS = "FastAPI + Mangum, async def", "FastAPI + Mangum, def"

_NOTES = [
    "All contestants receive the same event of API Gateway and return the same numbers (checked first).",
    "triptych routes, validates, and writes metrics and a log line; only FastAPI validates as well.",
    "FastAPI calls `def` in a thread, as its documentation advises for blocking code; `async def` does not.",
    "The floor decodes with pybase64 and orjson, runs, and encodes; for CSV, with the csv module.",
]


class Case(NamedTuple):
    """A request.

    Attributes:
        name: What it is called.
        event: The event.
        model: The model that it is for.
        rivals: Who answers it beside the program, made of a model's file.
        read: Reads the numbers of an answer.
    """

    name: str
    event: Event
    model: str
    rivals: Mapping[str, Callable[[Path], Handler]]
    read: Callable[[bytes], np.ndarray[Any, Any]]


class Disagreement(AssertionError):
    """Contestants do not answer the same."""


def warm_request(effort: Effort) -> Result:
    """How long does a warm function take for a request?"""
    figures: list[Figure] = []
    with TemporaryDirectory() as directory, silence() as logs, asyncio.Runner() as loop:
        loop.get_loop()  # Mangum runs on that of the thread, and warns where it has to make one
        models = repository(Path(directory) / "models", TINY, WIDE, PENGUINS, TEXTS)
        ours = triptych.handler(models)
        for case in cases(small=effort is SMOKE):
            handlers = {OURS: ours, **_made(case, models)}
            with redirect_stdout(logs):
                _check(case, handlers)
                times = measure(
                    {name: _call(handler, case.event) for name, handler in handlers.items()}, effort
                )
            figures += [Figure(case.name, name, "s", time) for name, time in times.items()]
    return Result(
        "warm_request", "Warm requests", "full" if effort.full else "quick", figures, _goals(), notes=_NOTES
    )


def cases(*, small: bool = False) -> list[Case]:
    """Returns the requests.

    Args:
        small: Whether few rows are enough.
    """
    many, few = (10, 5) if small else (1000, 100)
    fastapi: dict[str, Callable[[Path], Handler]] = {
        "tensors": lambda model: mangum(fastapi_tensors.application(model)),
        "binary": lambda model: mangum(fastapi_tensors.binary_application(model)),
        "records": lambda model: mangum(fastapi_rows.application(model)),
        "rows": lambda model: mangum(fastapi_rows.csv_application(model)),
    }

    def in_threads(model: Path) -> Handler:
        return mangum(fastapi_tensors.application(model, in_threads=True))

    def rivals(kind: str) -> dict[str, Callable[[Path], Handler]]:
        others = {FASTAPI: fastapi[kind]} if kind in fastapi else {}
        return {FLOOR: getattr(floor, kind), HAND: getattr(by_hand, kind), **others}

    return [
        Case(
            "tiny model, one row, JSON",
            one_row(),
            TINY,
            {**rivals("tensors"), IN_THREADS: in_threads},
            _tensor,
        ),
        Case("100k floats, JSON", many_floats(many), WIDE, rivals("tensors"), _tensor),
        Case("100k floats, binary", many_floats_binary(many), WIDE, rivals("binary"), _bytes),
        Case("string columns, 100 records, JSON", penguins_json(few), PENGUINS, rivals("records"), _chances),
        Case("100 records, JSON Lines", penguins_lines(few), PENGUINS, rivals("lines"), _lines),
        Case("100 texts of 500 characters, JSON", texts_tensor(few), TEXTS, rivals("texts"), _texts),
        Case(
            "100 texts of 500 characters, rows", texts_rows(few), TEXTS, rivals("text_records"), _text_cells
        ),
        Case("1,000 rows, CSV", penguins_csv(many), PENGUINS, rivals("rows"), _cells),
    ]


def _goals() -> list[Goal]:
    return [
        Goal("tiny model, one row, JSON", "s", IN_THREADS, OURS, "at least", 6),
        Goal("tiny model, one row, JSON", "s", FASTAPI, OURS, "at least", 6),
        Goal("100k floats, JSON", "s", OURS, FLOOR, "at most", 1.2),
        Goal("100k floats, binary", "s", OURS, FLOOR, "at most", 1.2),
        Goal("string columns, 100 records, JSON", "s", OURS, FLOOR, "at most", 1.5),
        Goal("100 records, JSON Lines", "s", OURS, FLOOR, "at most", 1.5),
        Goal("100 texts of 500 characters, JSON", "s", OURS, FLOOR, "at most", 1.5),
        Goal("100 texts of 500 characters, rows", "s", OURS, FLOOR, "at most", 1.5),
    ]


def _made(case: Case, models: Path) -> dict[str, Handler]:
    return {name: rival(file_of(models, case.model)) for name, rival in case.rivals.items()}


def _call(handler: Handler, event: Event) -> Callable[[], object]:
    return lambda: handler(event)


def _check(case: Case, handlers: Mapping[str, Handler]) -> None:
    found = {name: case.read(_body(handler(case.event))) for name, handler in handlers.items()}
    for name, values in found.items():
        if values.shape != found[OURS].shape or not np.allclose(values, found[OURS], rtol=1e-5):
            raise Disagreement(f"{case.name}: {name} does not answer as the program does")


def _body(result: Mapping[str, Any]) -> bytes:
    body: str = result["body"]
    return base64.b64decode(body) if result["isBase64Encoded"] else body.encode()


def _tensor(body: bytes) -> np.ndarray[Any, Any]:
    return np.array(json.loads(body)["outputs"][0]["data"], np.float32)


def _bytes(body: bytes) -> np.ndarray[Any, Any]:
    size = len(body) // 400 * 400  # the program's answer begins with some JSON, which is shorter than a row
    return np.frombuffer(body[len(body) - size :], np.float32)


def _chances(body: bytes) -> np.ndarray[Any, Any]:
    return np.array([record["probabilities"] for record in json.loads(body)["predictions"]], np.float32)


def _lines(body: bytes) -> np.ndarray[Any, Any]:
    return np.array([json.loads(line)["probabilities"] for line in body.splitlines()], np.float32)


def _texts(body: bytes) -> np.ndarray[Any, Any]:
    return _codes(json.loads(body)["outputs"][0]["data"])


def _text_cells(body: bytes) -> np.ndarray[Any, Any]:
    return _codes([record["y"] for record in json.loads(body)["predictions"]])


def _codes(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.frombuffer("\0".join(texts).encode(), np.uint8)


def _cells(body: bytes) -> np.ndarray[Any, Any]:
    _, *lines = csv.reader(io.StringIO(body.decode()))
    return np.array([line[1:] for line in lines], np.float32)


if __name__ == "__main__":
    answer(warm_request)
