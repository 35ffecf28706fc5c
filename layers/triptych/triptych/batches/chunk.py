"""Chunks to parts.

The parts of a chunk form a chain: each begins where the one before ended. Whoever keeps a part first wins;
who comes later goes on where the chain ends. So it does not matter how often a chunk is handed out, nor to
how many.
"""

from __future__ import annotations

import resource
from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple
from uuid import uuid4

from triptych.aws.objects import StoredObject
from triptych.aws.table import Pacer
from triptych.aws.uploads import ObjectWriter
from triptych.batches.batch import Batch
from triptych.batches.cancelling import checkpoint, still_wanted
from triptych.batches.file import Chunk, InputFile, Part, head_of, without_long_columns
from triptych.batches.keys import part_errors_key, part_key
from triptych.batches.lookup import LookupRate, Origin
from triptych.batches.opening import Models
from triptych.batches.places import Places
from triptych.batches.store import BatchStore
from triptych.batches.telemetry import BatchTelemetry, ChunkRun
from triptych.clock import Deadline
from triptych.errors import ServiceUnavailable
from triptych.inference.file import transform_piece
from triptych.inference.piece import Lookups, Piece, Prediction, Report, Sinks
from triptych.inference.slices import Budget, Sizes
from triptych.models.model import Model
from triptych.rows.options import RowOptions

_FINISHING = 20.0
"""Seconds kept for sending what was made, at most: parts are sent while the next ones are made."""

_LOOKUP_SECONDS = 30.0
"""Seconds that the predictions of a block are written for: work stops between blocks only."""


class Limits(NamedTuple):
    """How much is done at once, and how fast.

    Attributes:
        lookups: How fast predictions are written for lookups.
        sizes: How much is done at once.
    """

    lookups: LookupRate
    sizes: Sizes = Sizes()

    def rate(self, batch: Batch) -> float:
        """Predictions that one worker of a batch writes in a second."""
        if batch.execution is None:
            return self.lookups.of_upload()
        return self.lookups.of_chunk(batch.chunks)


class Transformer:
    """Transforms chunks.

    Args:
        places: Where it reads and writes.
        store: Keeps the records of parts.
        models: Gives models.
        observer: Is told about each run.
        limits: How much is done at once, and how fast.
    """

    def __init__(
        self, places: Places, store: BatchStore, models: Models, observer: BatchTelemetry, limits: Limits
    ) -> None:
        self._places = places
        self._store = store
        self._models = models
        self._observer = observer
        self._limits = limits

    def run(self, batch: Batch, chunk: Chunk, deadline: Deadline) -> Chunk | None:
        """Goes on with a chunk until it is done, or time is up.

        Args:
            batch: Its batch.
            chunk: The chunk, or what was left of it.
            deadline: When this must have ended.

        Returns:
            What is left of it; None when nothing is.

        Raises:
            Cancelled: The batch was cancelled.
            DeadlineExceeded: There was no time for anything.
            TriptychError: The file is wrong as a whole, or something is out of order.
        """
        still_wanted(self._store, batch.id)
        last = self._chain_end(batch, chunk)
        if last is not None and last.last:
            return None
        start = chunk.start if last is None else last.end
        part = self._made(batch, chunk, start, deadline)
        kept = part if self._store.add_part(batch.id, part) else self._store.part(batch.id, part.file, start)
        if kept is None:
            raise ServiceUnavailable("a part that was just there is gone; try again")
        return None if kept.last else chunk._replace(start=kept.end)

    def _chain_end(self, batch: Batch, chunk: Chunk) -> Part | None:
        """Follows the chain of parts that there are from the beginning of a chunk; gives the last one."""
        last: Part | None = None
        position = chunk.start
        while found := self._store.part(batch.id, chunk.file.number, position):
            last, position = found, found.end
            if found.last:
                break
        return last

    def _made(self, batch: Batch, chunk: Chunk, start: int, deadline: Deadline) -> Part:
        attempt = self._store.count_attempt(batch.id, chunk.file.number, start)
        share = 0.5 ** (attempt - 1)
        model = self._models(chunk.file.model, chunk.file.version)
        stop = Deadline(deadline.at - min(_FINISHING, deadline.remaining / 10))
        rate = self._limits.rate(batch)
        sizes = self._limits.sizes.shared(share)  # what ended without a word may have wanted for memory
        if chunk.file.options.lookup:
            sizes = sizes._replace(records=max(1, int(rate * _LOOKUP_SECONDS)))
        budget = Budget(stop, checkpoint(self._store, batch.id), sizes, share)
        making = _Making(self._places, self._observer, batch, chunk._replace(start=start), Pacer(rate, stop))
        return making.part(model, budget)


class _Making:
    """One part in the making; its objects have names that nobody else uses."""

    def __init__(
        self, places: Places, observer: BatchTelemetry, batch: Batch, chunk: Chunk, pacer: Pacer
    ) -> None:
        token = uuid4().hex
        number, start = chunk.file.number, chunk.start
        self._places = places
        self._observer = observer
        self._batch = batch
        self._chunk = chunk
        self._pacer = pacer
        self._output_key = part_key(batch.id, number, start, token)
        self._errors_key = part_errors_key(batch.id, number, start, token)

    def part(self, model: Model, budget: Budget) -> Part:
        """Transforms what is left of the chunk, or the beginning of it."""
        started = monotonic()
        work = self._places.work
        output = work.create(self._output_key, self._chunk.file.answer.format.content_type)
        errors = work.create(self._errors_key, "application/jsonlines")
        try:
            report = self._report(model, Sinks(output, errors, self._lookups(model)), budget)
            written = output.close()
            _close(errors, report)
        except BaseException:
            output.abort()
            errors.abort()
            raise
        part = self._described(report, written, round((monotonic() - started) * 1000))
        part = without_long_columns(work, self._batch.id, part)
        self._observer.chunk_ran(self._batch.id, _run(self._chunk.file, part))
        return part

    def _report(self, model: Model, sinks: Sinks, budget: Budget) -> Report:
        file, form = self._chunk.file, self._chunk.file.form
        if self._chunk.staged:
            form = form._replace(compression=None)
        options = RowOptions.of(form, file.answer, file.options.join, file.options.outputs)
        return transform_piece(model, self._piece(), options, sinks, budget)

    def _piece(self) -> Piece:
        chunk, file = self._chunk, self._chunk.file
        head = head_of(self._places.work, chunk)
        if chunk.staged is None:
            found = StoredObject(file.key, file.size, file.etag, file.object_version, 0)
            return Piece(self._places.inputs.open(found), chunk.start, chunk.end, head)
        staged = self._places.work.find(chunk.staged)
        if staged is None:
            raise ServiceUnavailable("the plain copy of the chunk is gone; redrive the batch")
        source = self._places.work.open(staged)
        return Piece(source, chunk.start, chunk.end, head, offset=chunk.end - staged.size)

    def _lookups(self, model: Model) -> Lookups | None:
        options = self._chunk.file.options
        if not options.lookup or options.key is None:
            return None
        origin = Origin(model.name, model.version, self._batch.id, self._batch.created)

        def put(predictions: Sequence[Prediction]) -> None:
            self._places.predictions.put(predictions, origin, self._pacer)

        return Lookups(options.key, put)

    def _described(self, report: Report, written: StoredObject, milliseconds: int) -> Part:
        chunk = self._chunk
        return Part(
            file=chunk.file.number,
            chunk=chunk.number,
            last=report.end >= chunk.end,
            start=chunk.start,
            end=report.end,
            counts=report.counts,
            output=self._output_key,
            output_size=written.size,
            errors=self._errors_key if report.counts.failed else None,
            columns=report.columns,
            layout=report.layout,
            milliseconds=milliseconds,
            run_milliseconds=report.run_nanoseconds // 1_000_000,
            peak_bytes=peak_memory(),
            version=chunk.file.version,
        )


def _close(errors: ObjectWriter, report: Report) -> None:
    """Keeps failed records only where there are some."""
    if report.counts.failed:
        errors.close()
    else:
        errors.abort()


def _run(file: InputFile, part: Part) -> ChunkRun:
    return ChunkRun(file, part.counts, part.milliseconds, part.run_milliseconds, part.peak_bytes, part.last)


def peak_memory() -> int:
    """Gives the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
