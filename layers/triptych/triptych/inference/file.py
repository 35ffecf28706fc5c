"""Predictions for the records of a file, whatever its size: memory does not grow with it.

```
source ── blocks ── decode ── slices ── run ── encode ──> output
             │         │
             │       fails: of a job ───> the error, which names the row of the file, ends it
             │              of a batch ─> the rows that it names are set apart, or each half is tried
             └─ bad records ──────────────────────────────────────────────────────────────────> errors
```

A piece of an object goes to a part of an output (batches); a whole local file goes to another one (jobs). The
first bad row of a job fails it, and all its rows are one table, as in a request: what comes out is what real
time gives. Tensors in a file are run by `tensor_file`.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import orjson

from triptych.errors import BadRequest, DeadlineExceeded, NotUtf8, PayloadTooLarge, RowError
from triptych.inference.blocks import Block
from triptych.inference.isolation import BadRecord, Isolation
from triptych.inference.json_records import Survey, survey
from triptych.inference.local_file import FileAnswer, LocalFile, room_on_disk
from triptych.inference.output import Part, write_file, write_parts
from triptych.inference.piece import Counts, Piece, Report, Sinks
from triptych.inference.predictor import Predictor
from triptych.inference.reading import Read, is_positioned, read_file, read_piece
from triptych.inference.rows import PreparedRows, envelope_of, predict_rows, row_schema, wanted_outputs
from triptych.inference.slices import Budget, RowsDepend, Slices
from triptych.models.model import Model
from triptych.rows.formats import Format
from triptych.rows.options import RowOptions
from triptych.rows.table import EMPTY, Table

_RESERVE = 2.0
"""How many times the longest block's time must be left for another one."""

_TASK_RECORDS = 512
"""Records of a block at most where each is a text or an image, which take milliseconds to run: a block is
done as a whole or not at all, and has to end in time."""

_IMAGES = 32
"""Images of a block at most: their files are in memory together, and each may take a second to run."""

_WHOLE = {
    Format.JSON: "as JSON instances; send CSV, JSON Lines or Parquet",
    Format.IMAGE: "as an image; send a smaller one",
}
_WHOLE_ROWS = (
    "for a model whose rows depend on each other; send fewer rows, or, if they do not, say so in its "
    "model.toml: [jobs] group = true"
)


def transform_piece(model: Model, piece: Piece, options: RowOptions, sinks: Sinks, budget: Budget) -> Report:
    """Predicts for the records of a piece; those that have no prediction are set apart.

    Raises:
        BadRequest: The file is wrong as a whole, or the model cannot be run on one record at a time.
        DeadlineExceeded: There was no time for anything.
        PayloadTooLarge: Something is too large to be held in memory.
        ModelUnavailable: The model had to be opened again, and cannot be.
    """
    budget = _paced(model, budget)
    slices = Slices(model, budget)
    key = sinks.lookups.key if sinks.lookups else None
    run = _PieceRun(piece, Predictor(options, slices, key, images=piece.images), options, sinks, budget)
    reads = read_piece(piece, options.input, row_schema(model), budget.sizes, budget.deadline)
    try:
        written = write_parts(run.parts(reads), options.output, sinks.output)
    except RowsDepend:
        raise BadRequest(
            "the predictions of this model change with the rows beside a row, so a file cannot be cut; "
            "if they do not, say so in its model.toml: [jobs] group = true; or make the file a job"
        ) from None
    return Report(run.end, run.counts, written.columns, written.layout, slices.nanoseconds)


def _paced(model: Model, budget: Budget) -> Budget:
    if not model.signature.task:
        return budget
    images = any(spec.image for spec in model.signature.inputs)
    most = max(1, round((_IMAGES if images else _TASK_RECORDS) * budget.share))
    records = min(budget.sizes.records, most)
    return budget._replace(sizes=budget.sizes._replace(records=records))


class _PieceRun:
    """Predicts for one block after the other, and sets bad records apart.

    Attributes:
        end: Position after the last of them.
    """

    def __init__(
        self, piece: Piece, predictor: Predictor, options: RowOptions, sinks: Sinks, budget: Budget
    ) -> None:
        self.counts = Counts()
        self.end = piece.start
        self._piece = piece
        self._predictor = predictor
        self._has_header = not (options.input.is_records_alone or options.input.format.is_json)
        self._positioned = is_positioned(options.input)
        self._sinks = sinks
        self._budget = budget
        self._longest = 0.0

    def parts(self, reads: Iterator[Read]) -> Iterator[Part]:
        """Predicts for blocks until there are no more or time is up; the first part has no rows."""
        read = next(reads, None)
        table = read.block.take([]).table() if read and self._has_header else Table({}, 0)
        yield self._predictor.header(table)
        while read is not None:
            started = time.monotonic()
            self._budget.checkpoint()
            try:
                parts, filled, bad = self._isolated(read.block)
                self._store_lookups(parts)
            except DeadlineExceeded:
                if self._positioned and self.end > self._piece.start:
                    return  # what was made before it is kept, and the next piece goes on
                raise
            self._write_errors(read.block, bad)
            yield from parts
            written = sum(part.rows for part in parts)
            self.counts += Counts(written + len(bad), written, len(bad), filled)
            self.end = max(self.end, read.end)
            self._longest = max(self._longest, time.monotonic() - started)
            if self._must_stop():
                return
            read = next(reads, None)
        self.end = self._piece.end

    def _isolated(self, block: Block) -> tuple[Sequence[Part], int, Sequence[BadRecord]]:
        """Predicts for a block without its bad records; returns also how many cells were filled in."""
        isolation = Isolation(block)
        parts: list[Part] = []
        filled = 0
        for records in isolation:
            try:
                decoded = self._predictor.decode(records)
                parts += list(self._predictor.run(decoded))  # all of its slices, or none
            except (BadRequest, PayloadTooLarge) as error:
                isolation.failed(error)
            else:
                filled += decoded.prepared.filled
        return parts, filled, isolation.bad

    def _store_lookups(self, parts: Sequence[Part]) -> None:
        for part in parts:
            if self._sinks.lookups and part.predictions:
                self._sinks.lookups.put(part.predictions)

    def _write_errors(self, block: Block, bad: Sequence[BadRecord]) -> None:
        for record in bad:
            number = self.counts.read + record.number + 1
            described = {"record": number, "reason": record.reason, "input": block.shown(record.number)}
            self._sinks.errors.write(orjson.dumps(described, default=str) + b"\n")

    def _must_stop(self) -> bool:
        if not self._positioned:
            return False
        done = self.end - self._piece.start
        over = done >= self._budget.share * (self._piece.end - self._piece.start)
        return over or self._budget.deadline.remaining < _RESERVE * self._longest


def transform_rows(
    model: Model, source: LocalFile, options: RowOptions, target: Path, budget: Budget
) -> FileAnswer:
    """Predicts for the rows of a local file as real time does; the first bad row fails it.

    Memory does not grow with the file where its rows can be run by themselves. Beside the source and the
    answer, the directory of the source takes a decompressed copy of Parquet that comes compressed.

    The target is whole only when this returns.

    Raises:
        TriptychError: As `predict_rows`; also where the disk is full.
    """
    slices = Slices(model, _paced(model, budget))
    with room_on_disk():
        if whole := _WHOLE.get(options.input.format):
            return _whole(source.content(whole), options, target, slices)
        if model.config.group is not False:
            with suppress(RowsDepend):
                return _strict(source, options, target, slices)
        return _whole(source.content(_WHOLE_ROWS), options, target, slices)


def _whole(content: bytes, options: RowOptions, target: Path, slices: Slices) -> FileAnswer:
    answer = predict_rows(slices.model, content, options, slices.budget.deadline)
    target.write_bytes(answer.body)
    return FileAnswer(answer.content_type, None, answer.filled, answer.rows)


def _strict(source: LocalFile, options: RowOptions, target: Path, slices: Slices) -> FileAnswer:
    model, budget = slices.model, slices.budget

    def reads() -> Iterator[Read]:
        return read_file(source, options.input, row_schema(model), budget.sizes, budget.deadline)

    found = _surveyed(reads(), options, budget) if options.input.format is Format.JSON_LINES else None
    run = _StrictRun(Predictor(options, slices, survey=found))
    envelope = envelope_of(model, [spec.name for spec in wanted_outputs(model, options)])
    with target.open("wb") as output, closing(run.parts(reads())) as parts:
        write_file(parts, options.output, envelope, output)
    return FileAnswer(options.output.content_type, None, run.counts.filled, run.counts.written)


def _surveyed(reads: Iterator[Read], options: RowOptions, budget: Budget) -> Survey:
    """Reads JSON Lines for their columns, which are known only at the end of the file."""

    def tables() -> Iterator[Table]:
        rows = 0
        for read in reads:
            budget.checkpoint()
            budget.deadline.check("reading the rows")
            with _located(rows, 0):
                table = read.block.table()
            yield table
            rows += table.rows

    return survey(tables(), options.join)


class _StrictRun:
    """Predicts for all rows of a file as for those of one request."""

    def __init__(self, predictor: Predictor) -> None:
        self.counts = Counts()
        self._predictor = predictor
        self._shapes: dict[str, tuple[int, ...]] = {}

    def parts(self, reads: Iterator[Read]) -> Generator[Part]:
        """Predicts for one block after the other; there is a part without rows only where there are none.

        Raises:
            BadRequest: Some row is wrong: the message names the row of the file.
        """
        empty: Part | None = None
        for read in reads:
            with _located(self.counts.read, read.offset):
                decoded = self._predictor.decode(read.block)
                self._check_shapes(decoded.prepared)
                for part in self._predictor.run(decoded):
                    if part.rows:
                        yield part
                    else:
                        empty = part
            rows = decoded.prepared.rows
            self.counts += Counts(rows, rows, 0, decoded.prepared.filled)
        if not self.counts.read:
            if empty is None:
                raise BadRequest(EMPTY)
            yield empty

    def _check_shapes(self, rows: PreparedRows) -> None:
        """Refuses what one table could not hold either: lists of other lengths than in the blocks before."""
        for name, tensor in rows.inputs.items():
            shape = self._shapes.setdefault(name, tensor.shape[1:])
            if shape != tensor.shape[1:]:
                raise RowError(
                    1,
                    f"input {name!r} has shape {list(tensor.shape[1:])}, expected {list(shape)} "
                    "as in the rows before",
                )


@contextmanager
def _located(rows: int, offset: int) -> Generator[None]:
    """Numbers errors about a block, before which so many rows and bytes stand, as in the file."""
    try:
        yield
    except RowError as error:
        raise error.after(rows) from error
    except NotUtf8 as error:
        raise NotUtf8(error.byte + offset) from error
