"""Chunks to parts.

The parts of a chunk form a chain: each begins where the one before ended. The first part that is stored wins,
and whoever comes later goes on where the chain ends. So a chunk may be handed out any number of times, also
to several workers at once.
"""

from __future__ import annotations

import resource
from collections.abc import Sequence
from functools import partial
from time import monotonic
from uuid import uuid4

from triptych.aws.objects import StoredObject
from triptych.aws.table import Pacer
from triptych.batches.batch import Batch
from triptych.batches.file import Chunk, Part, head_of, without_long_columns
from triptych.batches.find import Models
from triptych.batches.images import images_named
from triptych.batches.keys import part_errors_key, part_key
from triptych.batches.lookup import LookupRate, Origin
from triptych.batches.store import BatchStorage
from triptych.batches.telemetry import BatchTelemetry
from triptych.clock import Deadline
from triptych.errors import ServiceUnavailable
from triptych.inference.file import transform_piece
from triptych.inference.piece import Lookups, Piece, Prediction, Report, Sinks
from triptych.inference.slices import Budget, Sizes
from triptych.models.model import Model
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import RowOptions

_FINISHING = 20.0
"""Seconds kept for sending what was made, at most: parts are sent while the next ones are made."""

_SIZES = Sizes()
_LOOKUP_SECONDS = 30.0
"""Seconds that the predictions of a block are written for: work stops between blocks only."""


class Transformer:
    """Transforms chunks."""

    def __init__(
        self,
        storage: BatchStorage,
        models: Models,
        telemetry: BatchTelemetry,
        lookups: LookupRate,
        sizes: Sizes = _SIZES,
    ) -> None:
        self._storage = storage
        self._batches = storage.batches
        self._models = models
        self._telemetry = telemetry
        self._lookups = lookups
        self._sizes = sizes

    def run(self, batch: Batch, chunk: Chunk, deadline: Deadline) -> Chunk | None:
        """Goes on with a chunk until it is done, or time is up; returns what is left of it, None for nothing.

        Raises:
            Cancelled: The batch was cancelled.
            DeadlineExceeded: There was no time for anything.
            TriptychError: The file is wrong as a whole, or something is out of order.
        """
        self._batches.check_wanted(batch.id)
        last = self._last_part(batch, chunk)
        if last is not None and last.last:
            return None
        rest = chunk if last is None else chunk._replace(start=last.end)
        part = self._transformed(batch, rest, deadline)
        if not self._batches.add_part(batch.id, part):  # another worker was faster: its part counts
            stored = self._batches.part(batch.id, part.file, part.start)
            if stored is None:
                raise ServiceUnavailable("a part that was just there is gone; try again")
            part = stored
        return None if part.last else chunk._replace(start=part.end)

    def _last_part(self, batch: Batch, chunk: Chunk) -> Part | None:
        """Follows the chain of parts from the beginning of a chunk; returns the last one."""
        last: Part | None = None
        position = chunk.start
        while found := self._batches.part(batch.id, chunk.file.number, position):
            last, position = found, found.end
            if found.last:
                break
        return last

    def _transformed(self, batch: Batch, chunk: Chunk, deadline: Deadline) -> Part:
        """Transforms what is left of a chunk, or the beginning of it."""
        attempt = self._batches.count_attempt(batch.id, chunk.file.number, chunk.start)
        share = 0.5 ** (attempt - 1)
        model = self._models(chunk.file.model, chunk.file.version)
        stop = Deadline(deadline.at - min(_FINISHING, deadline.remaining / 10))
        lookups = self._lookups
        rate = lookups.of_upload() if batch.execution is None else lookups.of_chunk(batch.chunks)
        # An attempt that ended without a word may have lacked memory: the next one takes less at once.
        sizes = self._sizes.shared(share)
        if chunk.file.options.lookup:
            sizes = sizes._replace(records=max(1, int(rate * _LOOKUP_SECONDS)))
        budget = Budget(stop, self._batches.checkpoint(batch.id), sizes, share)
        part = _PartWriter(self._storage, batch, chunk, Pacer(rate, stop)).write(model, budget)
        self._telemetry.chunk_ran(batch.id, chunk.file, part)
        return part


class _PartWriter:
    """Writes one part, as objects whose names nothing else uses."""

    def __init__(self, storage: BatchStorage, batch: Batch, chunk: Chunk, pacer: Pacer) -> None:
        token = uuid4().hex
        number, start = chunk.file.number, chunk.start
        self._storage = storage
        self._batch = batch
        self._chunk = chunk
        self._pacer = pacer
        self._output_key = part_key(batch.id, number, start, token)
        self._errors_key = part_errors_key(batch.id, number, start, token)

    def write(self, model: Model, budget: Budget) -> Part:
        """Transforms the chunk, or the beginning of it."""
        started = monotonic()
        work = self._storage.work
        output = work.create(self._output_key, self._chunk.file.answer.format.content_type)
        errors = work.create(self._errors_key, "application/jsonlines")
        try:
            report = self._report(model, Sinks(output, errors, self._lookups(model)), budget)
            written = output.close()
            if report.counts.failed:  # else there is no such object
                errors.close()
            else:
                errors.abort()
        except BaseException:
            output.abort()
            errors.abort()
            raise
        part = self._described(report, written, round((monotonic() - started) * 1000))
        return without_long_columns(work, self._batch.id, part)

    def _report(self, model: Model, sinks: Sinks, budget: Budget) -> Report:
        file, form = self._chunk.file, self._chunk.file.form
        if form.format is Format.IMAGE:
            form = RowFormat(Format.JSON_LINES)  # the keys of images
        elif self._chunk.staged:
            form = form._replace(compression=None)
        options = RowOptions.of(form, file.answer, file.options.join, file.options.outputs)
        return transform_piece(model, self._piece(), options, sinks, budget)

    def _piece(self) -> Piece:
        chunk, file = self._chunk, self._chunk.file
        head, images = head_of(self._storage.work, chunk), partial(images_named, self._storage)
        if chunk.staged is None:
            source = self._storage.inputs.open(file.stored)
            return Piece(source, chunk.start, chunk.end, head, images=images)
        staged = self._storage.work.find(chunk.staged)
        if staged is None:
            raise ServiceUnavailable("the plain copy of the chunk is gone; redrive the batch")
        source = self._storage.work.open(staged)
        return Piece(source, chunk.start, chunk.end, head, chunk.end - staged.size, images)

    def _lookups(self, model: Model) -> Lookups | None:
        options = self._chunk.file.options
        if not options.lookup or options.key is None:
            return None
        origin = Origin(model.name, model.version, self._batch.id, self._batch.created)

        def put(predictions: Sequence[Prediction]) -> None:
            self._storage.predictions.put(predictions, origin, self._pacer)

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
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            version=chunk.file.version,
        )
