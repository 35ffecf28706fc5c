"""Opens and runs a version as a function would, in a process of its own: `python -m adding.look < request`.

The process may run out of memory, or crash, as the function would: whoever started it lives on.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from triptych.clock import Deadline
from triptych.deployment import SHARE_FOR_MODELS
from triptych.errors import BadRequest, DeadlineExceeded, ModelUnavailable, PayloadTooLarge, TriptychError
from triptych.inference.merging import RowsInteract, agree, run_merged
from triptych.inference.request import Prepared
from triptych.inference.rows import PreparedRows, prepare_rows
from triptych.models.config import SessionSettings
from triptych.models.graph_file import quantizes_as_it_runs
from triptych.models.loader import Runtime
from triptych.models.memory import (
    MemoryBudget,
    anonymous_memory,
    bound_memory,
    estimated_memory,
    peak_memory,
)
from triptych.models.model import Model
from triptych.models.repository import ModelRepository
from triptych.models.storage import DirectoryStorage, graph_in
from triptych.models.store import ModelStore
from triptych.protocol.tensors import FREE, Signature, Tensor, TensorSpec
from triptych.rows.options import row_options
from triptych.tasks.open import open_session

from adding.examples import FREE_SIZES, KINDS, example_rows

SIZES = (1, 8, 64)
"""Rows of a run: a request, jobs that run together, a part of a file."""
LONGEST = 28.0
"""Seconds of a request."""
MEASURED = 0.5
"""Seconds for which a run is repeated; the fastest counts, as other work on the machine only slows runs."""
JSON_LINES = "application/jsonlines"
_MEGABYTES_A_PROCESSOR = 1769


class Request(NamedTuple):
    """What to look at.

    Attributes:
        directory: A repository that holds it, as a string.
        model: Its name.
        version: Its number.
        memory: Megabytes of the function.
        started: When the process was started, in seconds since 1970.
        example: A file of rows, or a picture; empty for rows that are made up.
    """

    directory: str
    model: str
    version: int
    memory: int
    started: float
    example: str = ""


class Look(NamedTuple):
    """What was seen.

    Attributes:
        refused: Why it would not be served; empty where it would.
        out_of_memory: Whether more memory may help.
        task: What it is for; empty for tensors.
        inputs: Name, datatype, shape of each; and the next the same of the outputs.
        outputs: See there.
        opening: Seconds that it took to open.
        start: Seconds from the start of the process to the first answer: a cold start.
        memory: Bytes of memory that the open model needs.
        peak: Bytes of memory that the process had at most, libraries included.
        seconds: Seconds of a run by its number of rows.
        warnings: What to know before it is used: keys of `verdict.WARNINGS`, and what of it.
        row: A row that it was run on; none where rows came from a file.
        answer: The beginning of the answer to it.
    """

    refused: str = ""
    out_of_memory: bool = False
    task: str = ""
    inputs: Sequence[dict[str, Any]] = ()
    outputs: Sequence[dict[str, Any]] = ()
    opening: float = 0
    start: float = 0
    memory: int = 0
    peak: int = 0
    seconds: dict[str, float] = {}  # noqa: RUF012 - of a tuple, replaced as a whole
    warnings: dict[str, str] = {}  # noqa: RUF012
    row: dict[str, Any] | None = None
    answer: str = ""


class _Opened(NamedTuple):
    model: Model
    graph: Path
    seconds: float
    memory: int


def look(request: Request) -> Look:
    """Opens and runs a version.

    Returns:
        What was seen; a refusal where it cannot be served.
    """
    bound_memory(request.memory * 2**20)
    try:
        opened = _open(request)
        until_open = time.time() - request.started
        _check_rows(opened.model.raw.signature)
        warnings = _warnings(opened)
        rows, row = _rows(request, opened.model)
        prepared, left_out = _of_rows(rows)
        first, started = prepared.slice(0, 1), time.perf_counter()
        answer = first.answer(first.run(Deadline.after(LONGEST)))
        start = until_open + time.perf_counter() - started
        warnings |= left_out | _interaction(prepared)
        seconds = _timings(prepared, warnings)
    except (PayloadTooLarge, MemoryError) as error:
        return Look(refused=f"out of memory: {error}", out_of_memory=True)
    except TriptychError as error:
        reason = str(error).removeprefix(
            f"model {request.model!r} version {request.version} cannot be loaded: "
        )
        return Look(refused=reason, out_of_memory="of memory" in reason)
    return Look(
        task=opened.model.signature.task,
        inputs=_described(opened.model.signature.inputs),
        outputs=_described(opened.model.signature.outputs),
        opening=opened.seconds,
        start=start,
        memory=opened.memory,
        peak=peak_memory(),
        seconds=seconds,
        warnings=warnings,
        row=row,
        answer=answer.body[:500].decode(errors="replace"),
    )


def _open(request: Request) -> _Opened:
    settings = SessionSettings(max(1, round(request.memory / _MEGABYTES_A_PROCESSOR)), "mapped")
    repository = ModelRepository([DirectoryStorage(Path(request.directory))], refresh_seconds=3600)
    budget = MemoryBudget(int(request.memory * 2**20 * SHARE_FOR_MODELS))
    store = ModelStore(repository, Runtime(open_session, settings), budget)
    before, started = anonymous_memory(), time.perf_counter()
    model = store.get(request.model, request.version)
    seconds = time.perf_counter() - started
    (candidate,) = repository.listing(request.model).candidates(request.version)
    needed = max(
        estimated_memory(candidate.stored, model.config.settings(settings)), anonymous_memory() - before
    )
    return _Opened(model, graph_in(candidate.storage.fetch(candidate.stored)), seconds, needed)


def _check_rows(own: Signature) -> None:
    """Checks that the model takes rows.

    Raises:
        ModelUnavailable: The first dimension of an input is no batch.
    """
    for spec in own.inputs:
        if spec.shape is not None and spec.shape[:1] not in ((FREE,), (1,)):
            raise ModelUnavailable(
                f"no batch axis: the first dimension of input {spec.name!r}, {list(spec.shape)}, is fixed"
            )


def _warnings(opened: _Opened) -> dict[str, str]:
    inputs = opened.model.raw.signature.inputs
    takes_tokens = any(spec.name == "input_ids" for spec in inputs)
    found = {
        "fixed_batch_axis": any(spec.shape is not None and spec.shape[:1] == (1,) for spec in inputs),
        "missing_tokenizer": takes_tokens and not opened.model.signature.task,
        "quantized_dynamically": quantizes_as_it_runs(opened.graph),
    }
    return {name: "" for name, is_so in found.items() if is_so}


def _rows(request: Request, model: Model) -> tuple[PreparedRows, dict[str, Any] | None]:
    if request.example:
        path = Path(request.example)
        return prepare_rows(model, path.read_bytes(), row_options(KINDS[path.suffix], JSON_LINES)), None
    reason = BadRequest("no rows")
    for free in FREE_SIZES:
        rows = example_rows(model.signature, free)
        body = "\n".join(json.dumps(row) for row in rows).encode()
        try:
            prepared = prepare_rows(model, body, row_options(JSON_LINES))
            prepared.model.run(prepared.slice(0, 1).inputs, prepared.outputs, Deadline.after(LONGEST))
        except BadRequest as error:
            reason = error
            if not any(FREE in spec.shape[1:] for spec in model.signature.inputs if spec.shape):
                break
        else:
            return prepared, rows[0]
    raise ModelUnavailable(f"the model does not run on rows that were made up: {reason}")


def _of_rows(prepared: PreparedRows) -> tuple[PreparedRows, dict[str, str]]:
    """Leaves out outputs that have not an entry for each row.

    Raises:
        ModelUnavailable: That is all of them.
    """
    tried = prepared.slice(0, 1 if prepared.one_by_one else min(2, prepared.rows))
    results = prepared.model.run(tried.inputs, prepared.outputs, Deadline.after(LONGEST))
    kept = [spec for spec in prepared.specs if results[spec.name].shape[:1] == (tried.rows,)]
    lost = [spec.name for spec in prepared.specs if spec not in kept]
    if not kept:
        shapes = {name: list(results[name].shape) for name in lost}
        raise ModelUnavailable(f"no batch axis: {tried.rows} rows give outputs of the shapes {shapes}")
    if not lost:
        return prepared, {}
    advice = f"{', '.join(lost)}; ask with outputs={','.join(spec.name for spec in kept)}, or use infer"
    return prepared._replace(specs=kept), {"outputs_without_rows": advice}


def _interaction(prepared: PreparedRows) -> dict[str, str]:
    if prepared.one_by_one or prepared.model.group is not None or prepared.rows < 2:
        return {}
    deadline = Deadline.after(LONGEST)
    parts: list[Prepared] = [prepared.slice(row, row + 1) for row in range(min(8, prepared.rows))]
    alone = [part.run(deadline) for part in parts]
    try:
        merged = run_merged(prepared.model, parts, deadline)
        same = all(
            agree([results[name] for results in alone], [results[name] for results in merged])
            for name in prepared.outputs
        )
    except (RowsInteract, BadRequest):
        same = False
    return {} if same else {"rows_interact": ""}


def _timings(prepared: PreparedRows, warnings: dict[str, str]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for rows in SIZES:
        try:
            seconds[str(rows)] = _fastest(_with_rows(prepared, rows))
        except DeadlineExceeded:
            warnings["slow"] = f"{rows} rows do not end within {LONGEST:.0f} seconds"
            break
    return seconds


def _with_rows(prepared: PreparedRows, rows: int) -> PreparedRows:
    picked = np.arange(rows) % prepared.rows
    inputs = {
        name: Tensor(tensor.datatype, tensor.values[picked]) for name, tensor in prepared.inputs.items()
    }
    return prepared._replace(inputs=inputs, rows=rows, joined={})


def _fastest(prepared: PreparedRows) -> float:
    fastest, end = float("inf"), time.perf_counter() + MEASURED
    while fastest == float("inf") or time.perf_counter() < end:
        started = time.perf_counter()
        prepared.answer(prepared.run(Deadline.after(LONGEST)))
        fastest = min(fastest, time.perf_counter() - started)
    return fastest


def _described(specs: Sequence[TensorSpec]) -> list[dict[str, Any]]:
    return [
        {"name": spec.name, "datatype": spec.datatype.name, "shape": spec.shape and list(spec.shape)}
        | ({"optional": True} if spec.optional else {})
        for spec in specs
    ]


def main() -> int:
    """Reads a request, and writes what was seen; whatever code of the model prints goes to standard error."""
    request = Request(**json.load(sys.stdin))
    answers = os.dup(1)
    os.dup2(2, 1)
    seen = look(request)
    with os.fdopen(answers, "w") as file:
        json.dump(seen._asdict(), file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
