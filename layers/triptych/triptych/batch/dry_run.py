"""What a batch would do: its files, rows, chunks, time and cost, without doing it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from triptych.batch.opening import Descriptions, input_file
from triptych.batches.batch import Batch, BatchSource
from triptych.batches.document import SHOWN, said
from triptych.batches.estimate import Work, estimate
from triptych.batches.submission import MAX_KEYS, Submission
from triptych.bulk.planning.plan import count_chunks
from triptych.errors import BadRequest, NotFound, TriptychError
from triptych.interfaces.objects import Bucket, StoredObject

type Select = Callable[[BatchSource], Iterable[StoredObject | str]]
"""Gives the files of a batch; the key alone of one that is not there."""


class Workers(NamedTuple):
    """What transforms files.

    Attributes:
        chunk_bytes: How large chunks are.
        memory: Megabytes of each worker.
        concurrency: How many work at once, at most.
    """

    chunk_bytes: int
    memory: int
    concurrency: int


class _Counted(NamedTuple):
    """What there is to do for a file.

    Attributes:
        size: Bytes.
        chunks: About how many chunks it has.
        rows: How many rows; None where nobody knows without reading it.
        lookups: Whether its predictions are kept for lookups.
    """

    size: int
    chunks: int
    rows: int | None = None
    lookups: bool = False


class DryRun:
    """Tells what batches would do.

    Args:
        inputs: Bucket of inputs.
        select: Finds the files of a batch.
        models: Describes models.
        workers: What would transform the files.
    """

    def __init__(self, inputs: Bucket, select: Select, models: Descriptions, workers: Workers) -> None:
        self._inputs = inputs
        self._select = select
        self._models = models
        self._workers = workers

    def describe(self, submission: Submission) -> dict[str, Any]:
        """Describes in JSON what a batch would do; of many files, the first ones are looked at.

        Raises:
            BadRequest: It would have too many files.
            ServiceUnavailable: Files cannot be looked at now.
        """
        found = list(islice(self._select(submission.source), MAX_KEYS + 1))
        if len(found) > MAX_KEYS:
            raise BadRequest(f"there are more than {MAX_KEYS} files; make the prefix longer")
        batch = submission.batch("", 0)
        shown = [self._shown(batch, file) for file in found[:SHOWN]]
        rest = [self._guessed(file) for file in found[SHOWN:] if isinstance(file, StoredObject)]
        counted = [known for _, known in shown if known] + rest
        return {
            "dry_run": True,
            **self._together(counted, sure=not rest),
            "listed": [described for described, known in shown if known],
            "refused": [described for described, known in shown if known is None],
        }

    def _together(self, counted: list[_Counted], *, sure: bool) -> dict[str, Any]:
        size, chunks = sum(file.size for file in counted), sum(file.chunks for file in counted)
        rows = [file.rows for file in counted if file.rows is not None]
        lookups = sum(file.rows or 0 for file in counted if file.lookups)
        work = Work(size, len(counted), chunks, self._workers.memory, lookups)
        guess = estimate(work, concurrency=self._workers.concurrency)
        known = {"rows": sum(rows)} if sure and len(rows) == len(counted) else {}
        return {
            "files": len(counted),
            "bytes": size,
            **known,
            "chunks": chunks,
            "estimated_seconds": round(guess.seconds, 1) if counted else 0.0,
            "estimated_cost": guess.cost.described(),
        }

    def _shown(self, batch: Batch, found: StoredObject | str) -> tuple[dict[str, Any], _Counted | None]:
        key = found if isinstance(found, str) else found.key
        try:
            return self._looked_at(batch, key)
        except TriptychError as error:
            if error.retryable:
                raise
            return {"key": key, "error": {"type": type(error).__name__, "message": str(error)}}, None

    def _looked_at(self, batch: Batch, key: str) -> tuple[dict[str, Any], _Counted]:
        found = self._inputs.find(key)
        if found is None:
            raise NotFound(f"there is no file {key!r}")
        file = input_file(batch, 0, found, self._models)
        rows, chunks = count_chunks(file, self._inputs.open(found), self._workers.chunk_bytes)
        described = {
            "key": key,
            "bytes": found.size,
            **({} if rows is None else {"rows": rows}),
            "chunks": chunks,
            "model": file.model,
            "version": str(file.version),
            "options": said(file.options),
        }
        return described, _Counted(found.size, chunks, rows, bool(file.options.lookup))

    def _guessed(self, found: StoredObject) -> _Counted:
        return _Counted(found.size, max(1, -(-found.size // self._workers.chunk_bytes)))
