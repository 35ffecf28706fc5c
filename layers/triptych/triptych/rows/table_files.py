"""Files of Arrow's record batches, written part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO

from arro3.core import RecordBatch, RecordBatchReader, Schema
from arro3.io import write_ipc, write_parquet

from triptych.errors import BadRequest
from triptych.rows.arrow import arrow_failures
from triptych.rows.parquet import COMPRESSION
from triptych.rows.table import Column, parquet_column

Columns = Mapping[str, Column]

Writer = Callable[[RecordBatchReader, BinaryIO, RecordBatch], None]
"""Writes all batches to a file; it is told the first of them as well."""

_ROW_GROUP = 32 * 2**20
"""Bytes of cells in a row group of Parquet, which is held in memory until it is whole."""


def same_columns(parts: Iterable[Columns]) -> Iterator[Columns]:
    """Checks that all parts have the same columns.

    Raises:
        BadRequest: A part has others.
    """
    names: list[str] | None = None
    for columns in parts:
        if names is not None and names != list(columns):
            raise BadRequest(
                f"the model gives {len(names)} columns for some rows and {len(columns)} for others; "
                "leave the output out with outputs="
            )
        names = list(columns)
        yield columns


def write_tables(parts: Iterable[Columns], file: BinaryIO, write: Writer) -> None:
    """Writes a file of tables.

    Args:
        parts: Columns of equal length by name, the same names in each part; there is at least one.
        file: The file.
        write: Writes it in its format.

    Raises:
        BadRequest: A column has a type that the format cannot hold, or another one in a later part.
    """
    batches = _Batches(same_columns(parts))
    first = next(batches)
    reader = RecordBatchReader.from_batches(first.schema, _after(first, batches))
    try:
        with arrow_failures("the answer cannot be written"):
            write(reader, file, first)
    except BadRequest:
        if batches.failure is not None:
            raise batches.failure from None
        raise


def write_parquet_batches(reader: RecordBatchReader, file: BinaryIO, first: RecordBatch) -> None:
    """Writes Parquet, with row groups of a size that readers and this process can hold."""
    rows = max(1, _ROW_GROUP * first.num_rows // max(1, first.nbytes)) if first.num_rows else None
    write_parquet(reader, file, compression=COMPRESSION, max_row_group_size=rows)


def write_arrow_batches(reader: RecordBatchReader, file: BinaryIO, _: RecordBatch) -> None:
    """Writes an Arrow IPC file; uncompressed, so that readers can map it."""
    write_ipc(reader, file, compression=None)


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
