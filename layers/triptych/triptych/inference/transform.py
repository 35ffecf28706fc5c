"""Predictions for the records of a piece of a file, whatever its size.

```
source ── block ── decode ── slices ── run ── encode ──> output
             │        └─ fails ── halves, until ──┐
             └────────────────────────────────────┴─ bad records ──> errors
```
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from triptych.errors import BadRequest, DeadlineExceeded
from triptych.inference.blocks import Block
from triptych.inference.isolation import BadRecord, Settled, settle
from triptych.inference.output import Part, write_parts
from triptych.inference.piece import Counts, Piece, Report, Sinks, Wanted, Watch
from triptych.inference.predictor import Predicted, Predictions, Predictor
from triptych.inference.reading import BlockSize, Read, blocks, is_positioned
from triptych.inference.rows import row_schema
from triptych.inference.slices import RowsDepend, Sizes, Slices
from triptych.models.model import Model
from triptych.rows.formats import Format
from triptych.rows.table import Table

_RESERVE = 2.0
"""How many times the longest block's time must be left for another one."""


class BulkSizes(NamedTuple):
    """How much is done at once; tests make it tiny.

    Attributes:
        block: Bytes that are read at once.
        slices: How large slices of a block are that the model runs on.
        records: How many records a block has at most.
    """

    block: int = 2**20
    slices: Sizes = Sizes()
    records: int = 2**62

    def shared(self, share: float) -> BulkSizes:
        """Gives sizes that take about this share of the memory."""
        slices = Sizes(*(max(1, round(size * share)) for size in self.slices))
        return BulkSizes(max(1, round(self.block * share)), slices, self.records)


DEFAULT_SIZES = BulkSizes()


def transform_piece(  # noqa: PLR0913 - each is one thing that the caller has
    model: Model,
    piece: Piece,
    wanted: Wanted,
    sinks: Sinks,
    watch: Watch,
    *,
    sizes: BulkSizes = DEFAULT_SIZES,
) -> Report:
    """Predicts for the records of a piece; those that have no prediction are told apart.

    Memory does not grow with the piece.

    Args:
        model: What predicts.
        piece: The records.
        wanted: What is wanted of them.
        sinks: Take what is made.
        watch: Tells when to stop.
        sizes: How much is done at once.

    Raises:
        BadRequest: The file is wrong as a whole, or the model cannot be run on one record at a time.
        DeadlineExceeded: There was no time for anything.
        PayloadTooLarge: Something is too large to be held in memory.
        ModelUnavailable: The model had to be opened again, and cannot be.
    """
    slices = Slices(model, watch.deadline, watch.checkpoint, model.config.group is True, sizes.slices)
    run = _Run(piece, Predictor(model, piece.form.format, wanted, slices), sinks, watch)
    read = blocks(piece, row_schema(model), BlockSize(sizes.block, sizes.records), watch.deadline)
    try:
        written = write_parts(run.parts(read), wanted.form, sinks.output)
    except RowsDepend:
        raise BadRequest(
            "the predictions of this model change with the rows beside a row, so a file cannot be cut; "
            "if they do not, say so in its model.toml: [jobs] group = true; or make the file a job"
        ) from None
    return Report(run.end, run.counts, written.columns, written.layout, slices.nanoseconds)


class _Run:
    def __init__(self, piece: Piece, predictor: Predictor, sinks: Sinks, watch: Watch) -> None:
        self.counts = Counts()
        self.end = piece.start
        self._piece = piece
        self._predictor = predictor
        self._sinks = sinks
        self._watch = watch
        self._longest = 0.0

    def parts(self, read: Iterator[Read]) -> Iterator[Part]:
        """Predicts for one block after the other; the first part has columns and no rows."""
        first = next(read, None)
        yield self._empty(first)
        while first is not None:
            started = time.monotonic()
            self._watch.checkpoint()
            try:
                settled = self._settled(first.block)
            except DeadlineExceeded:
                if self._is_begun():
                    return  # what was made before it is kept
                raise
            yield from self._written(first.block, settled)
            self.end = first.end
            self._longest = max(self._longest, time.monotonic() - started)
            if self._must_stop():
                return
            first = next(read, None)
        self.end = self._piece.end

    def _empty(self, first: Read | None) -> Part:
        """Checks what is known before the first record, and tells the columns of the output."""
        table = Table({}, 0)
        if first is not None and self._piece.form.format not in {Format.JSON_LINES, Format.JSON}:
            table = first.block.header()
        self._predictor.check(table)
        return _part(self._predictor.of_table(table).slices[0])

    def _settled(self, block: Block) -> Settled[Predictions]:
        """Predicts for a block, and hands the predictions over that can be looked up."""
        settled = settle(block, self._predictor)
        for predictions in (part.predictions for made in settled.made for part in made.slices):
            if predictions:
                self._sinks.predictions(predictions)
        return settled

    def _written(self, block: Block, settled: Settled[Predictions]) -> Iterator[Part]:
        self._tell(block, settled.bad)
        parts = [part for made in settled.made for part in made.slices]
        yield from map(_part, parts)
        written = sum(part.rows for part in parts)
        filled = sum(made.filled for made in settled.made)
        self.counts += Counts(settled.records, written, len(settled.bad), filled)

    def _is_begun(self) -> bool:
        """Tells whether a part can end here, so that the next one goes on."""
        return is_positioned(self._piece.form) and self.end > self._piece.start

    def _tell(self, block: Block, bad: Sequence[BadRecord]) -> None:
        for record in bad:
            number = self.counts.read + record.number + 1
            described = {"record": number, "reason": record.reason, "input": block.shown(record.number)}
            self._sinks.errors.write(orjson.dumps(described, default=str) + b"\n")

    def _must_stop(self) -> bool:
        if not is_positioned(self._piece.form):
            return False
        done = self.end - self._piece.start
        over = done >= self._watch.share * (self._piece.end - self._piece.start)
        return over or self._watch.deadline.remaining < _RESERVE * self._longest


def _part(predicted: Predicted) -> Part:
    return Part(predicted.text, predicted.columns, predicted.layout, predicted.rows)
