"""Predictions for rows, from a file to a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from triptych.errors import RowError
from triptych.inference.rows import (
    PreparedRows,
    envelope_of,
    predict_rows,
    prepare_table,
    row_schema,
    wanted_outputs,
)
from triptych.inference.slices import RowsDepend, Slices
from triptych.models.model import Model
from triptych.protocol.datatypes import BYTES
from triptych.protocol.tensors import Tensor
from triptych.rows.formats import Format
from triptych.rows.options import RowOptions
from triptych.rows.parquet import Columns
from triptych.rows.table import Column, column_of_kinds
from triptych.spooled.chunk import Chunk, located, with_rows
from triptych.spooled.csv_chunks import csv_chunks
from triptych.spooled.line_chunks import completed, line_chunks, survey_of
from triptych.spooled.parquet_chunks import parquet_chunks
from triptych.spooled.row_file import write_rows
from triptych.spooled.source import Source

_STRING = 64  # bytes that a string counts for: a pointer and an object
_WHOLE = {
    "JSON": "as JSON instances; send CSV, JSON Lines or Parquet",
    "rows": "for a model whose rows depend on each other; send fewer rows, or, if they do not, say so in its "
    "model.toml: [jobs] group = true",
}


class Written(NamedTuple):
    """Rows that are in a file.

    Attributes:
        content_type: What they are.
        filled: How many missing cells took the value for missing cells.
        rows: How many there are.
    """

    content_type: str
    filled: int
    rows: int


def transform_rows(
    model: Model, source: Source, options: RowOptions, target: Path, slices: Slices
) -> Written:
    """Predicts for the rows of a file.

    Args:
        model: What predicts.
        source: The rows.
        options: How they are written, and what the answer has of them.
        target: Takes the answer.
        slices: Runs the model.

    Raises:
        TriptychError: As `predict_rows`; what it says of a row is said of the file's row.
    """
    if options.input.format is Format.JSON:
        return _whole(model, source.content(_WHOLE["JSON"]), options, target, slices)
    try:
        return _sliced(model, source, options, target, slices)
    except RowsDepend:
        return _whole(model, source.content(_WHOLE["rows"]), options, target, slices)


def _whole(model: Model, content: bytes, options: RowOptions, target: Path, slices: Slices) -> Written:
    answer = predict_rows(model, content, options, slices.deadline)
    slices.nanoseconds += answer.timings.compute_infer
    target.write_bytes(answer.body)
    return Written(answer.content_type, answer.filled, answer.rows)


def _sliced(model: Model, source: Source, options: RowOptions, target: Path, slices: Slices) -> Written:
    if model.config.group is False:
        raise RowsDepend
    form = options.input
    parts = _Parts(model, options, slices)
    with ExitStack() as files:
        if form.format is Format.PARQUET:
            path = files.enter_context(source.plain_file())
            surveyed = _Surveyed(parquet_chunks(path, slices.deadline, slices.sizes.cells), {})
        elif form.format is Format.CSV:
            surveyed = _Surveyed(csv_chunks(source.blocks, form, row_schema(model), slices.sizes.csv), {})
        else:
            surveyed = _surveyed_lines(model, source, options, slices)
        envelope = envelope_of(model, [spec.name for spec in wanted_outputs(model, options)])
        write_rows(parts.columns(surveyed), options.output, envelope, target)
    return Written(options.output.content_type, parts.filled, parts.rows)


class _Surveyed(NamedTuple):
    chunks: Iterator[Chunk]
    kinds: Mapping[str, frozenset[type]]


def _surveyed_lines(model: Model, source: Source, options: RowOptions, slices: Slices) -> _Surveyed:
    """Reads JSON Lines twice: which columns there are, only all rows together tell."""
    schema, size = row_schema(model), slices.sizes.lines
    survey = survey_of(_watched(line_chunks(source.blocks, schema, size), slices), _joined(options))
    return _Surveyed(completed(line_chunks(source.blocks, schema, size), survey.names), survey.kinds)


def _watched(chunks: Iterable[Chunk], slices: Slices) -> Iterator[Chunk]:
    for chunk in chunks:
        slices.checkpoint()
        slices.deadline.check("reading the rows")
        yield chunk


def _joined(options: RowOptions) -> list[str] | None:
    """Names the columns that come back; None for all."""
    if options.join == "all":
        return None
    return [] if not options.join or options.join == "none" else options.join.split(",")


class _Parts:
    """The columns of the answer, slice by slice.

    Attributes:
        rows: How many rows they have had by now.
        filled: How many missing cells of them took the value for missing cells.
    """

    def __init__(self, model: Model, options: RowOptions, slices: Slices) -> None:
        self.rows = 0
        self.filled = 0
        self._model = model
        self._options = options
        self._slices = slices
        self._shapes: dict[str, tuple[int, ...]] = {}

    def columns(self, surveyed: _Surveyed) -> Iterator[Columns]:
        """Runs the model on one chunk after the other."""
        for chunk in with_rows(surveyed.chunks):
            with located(chunk.before):
                prepared = prepare_table(self._model, chunk.table, self._options)
                self.filled += prepared.filled
                joined = {
                    name: self._whole_column(column, surveyed.kinds.get(name, frozenset()))
                    for name, column in prepared.joined.items()
                }
                self._check_shapes(prepared)
                yield from self._of(prepared._replace(joined=joined))

    def _of(self, prepared: PreparedRows) -> Iterator[Columns]:
        size = sum(map(_size, prepared.inputs.values())) // max(1, prepared.rows)
        for part, results in self._slices.run(prepared, prepared.rows, size):
            self.rows += part.rows
            yield part.columns(results)

    def _whole_column(self, column: Column, kinds: frozenset[type]) -> Column:
        return (
            column_of_kinds(column, kinds, self._options.output.format)
            if isinstance(column, list)
            else column
        )

    def _check_shapes(self, prepared: PreparedRows) -> None:
        """Refuses what one table could not hold either: lists of other lengths than in the chunks before."""
        for name, tensor in prepared.inputs.items():
            shape = self._shapes.setdefault(name, tensor.shape[1:])
            if shape != tensor.shape[1:]:
                raise RowError(
                    1,
                    f"input {name!r} has shape {list(tensor.shape[1:])}, expected {list(shape)} "
                    "as in the rows before",
                )


def _size(tensor: Tensor) -> int:
    return tensor.values.size * _STRING if tensor.datatype is BYTES else tensor.values.nbytes
