"""Predicted rows, written to a file part by part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from arro3.core import RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

from triptych.errors import BadRequest
from triptych.tables.arrow import arrow_failures
from triptych.tables.codec import encode_rows
from triptych.tables.columns import parquet_column
from triptych.tables.formats import Format, Representation
from triptych.tables.parquet_codec import COMPRESSION
from triptych.tables.table import Column

Columns = Mapping[str, Column]

_ROW_GROUP = 32 * 2**20
"""Bytes of cells in a row group of Parquet, which is held in memory until it is whole."""


def write_rows(
    parts: Iterable[Columns], form: Representation, envelope: Mapping[str, str], target: Path
) -> None:
    """Writes rows.

    Args:
        parts: Columns of equal length by name, the same names in each part; there is at least one.
        form: How they are to be written.
        envelope: What stands before the predictions where the format has a place for it.
        target: The file.

    Raises:
        BadRequest: A column has a type that the format cannot hold, or another one in a later part.
    """
    with target.open("wb") as file:
        if form.format is Format.PARQUET:
            _write_parquet(parts, file)
            return
        for text in _texts(_same_columns(parts), form, envelope):
            file.write(text)


def _texts(parts: Iterable[Columns], form: Representation, envelope: Mapping[str, str]) -> Iterator[bytes]:
    if form.format is Format.JSON:
        yield from _predictions(parts, form, envelope)
        return
    for columns in parts:
        yield encode_rows(columns, form, envelope)
        form = form._replace(header=False)


def _predictions(
    parts: Iterable[Columns], form: Representation, envelope: Mapping[str, str]
) -> Iterator[bytes]:
    """Takes the beginning and the end off each part, to write them once."""
    end = b"]}"
    front = encode_rows({}, form, envelope).removesuffix(end)
    yield front
    between = b""
    for columns in parts:
        objects = encode_rows(columns, form, envelope)[len(front) : -len(end)]
        if objects:
            yield between + objects
            between = b","
    yield end


def _same_columns(parts: Iterable[Columns]) -> Iterator[Columns]:
    names: list[str] | None = None
    for columns in parts:
        if names is not None and names != list(columns):
            raise BadRequest(
                f"the model gives {len(names)} columns for some rows and {len(columns)} for others; "
                "leave the output out with outputs="
            )
        names = list(columns)
        yield columns


def _write_parquet(parts: Iterable[Columns], file: BinaryIO) -> None:
    batches = _Batches(_same_columns(parts))
    first = next(batches)
    rows = max(1, _ROW_GROUP * first.num_rows // max(1, first.nbytes)) if first.num_rows else None
    reader = RecordBatchReader.from_batches(first.schema, _after(first, batches))
    try:
        with arrow_failures("the answer cannot be written as Parquet"):
            write_parquet(reader, file, compression=COMPRESSION, max_row_group_size=rows)
    except BadRequest:
        if batches.failure is not None:
            raise batches.failure from None
        raise


def _after(first: RecordBatch, others: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
    yield first
    yield from others


class _Batches:
    """Parts as Arrow's batches, all of one schema.

    Attributes:
        failure: What ended them before their time: through arro3, only its message would come.
    """

    def __init__(self, parts: Iterator[Columns]) -> None:
        self.failure: BaseException | None = None
        self._parts = parts
        self._schema: Schema | None = None

    def __iter__(self) -> Iterator[RecordBatch]:
        return self

    def __next__(self) -> RecordBatch:
        try:
            return self._batch(next(self._parts))
        except StopIteration:
            raise
        except BaseException as error:
            self.failure = error
            raise

    def _batch(self, columns: Columns) -> RecordBatch:
        arrays = [parquet_column(column) for column in columns.values()]
        batch = RecordBatch.from_arrays(arrays, names=list(columns))
        self._schema = self._schema or batch.schema
        for name, before, now in zip(columns, self._schema.types, batch.schema.types, strict=True):
            if before != now:
                raise BadRequest(f"column {name!r} of the answer is {before} for some rows, {now} for others")
        return batch
