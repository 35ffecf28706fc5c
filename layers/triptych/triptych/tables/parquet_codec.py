"""Parquet rows."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from arro3.core import Array, RecordBatch, RecordBatchReader
from arro3.io import read_parquet, write_parquet

from triptych.errors import BadRequest, PayloadTooLarge
from triptych.tables.arrow import arrow_failures, columns_of
from triptych.tables.parquet_footer import ParquetFooter, read_footer
from triptych.tables.table import MAX_COLUMNS, Column, Table, check_names

_BATCH = 65_536
_COMPRESSION = "snappy"  # the fastest that every reader knows


def decode_parquet(body: bytes, limit: int) -> Table:
    """Reads Parquet; cells keep their types.

    Args:
        body: The whole file.
        limit: Bytes that its cells may take in memory.

    Raises:
        BadRequest: It is not Parquet, or not readable here.
        PayloadTooLarge: Its cells take more than the limit.
    """
    footer = read_footer(body)
    if footer.columns > MAX_COLUMNS:
        raise BadRequest(f"{footer.columns} columns are too many; at most {MAX_COLUMNS} are read")
    _check_size(footer.decoded_size, limit)
    with arrow_failures("the body is not readable as Parquet"):
        reader = read_parquet(body, batch_size=_batch_size(footer, limit))
        names = reader.schema.names
        check_names(names)
        columns, rows = columns_of(_limited(reader, limit))
    cells: list[Column] = [*columns] if rows else [[] for _ in names]
    return Table(dict(zip(names, cells, strict=True)), rows)


def encode_parquet(names: Sequence[str], columns: Sequence[Array]) -> bytes:
    """Writes Parquet.

    Raises:
        BadRequest: A column has a type that Parquet cannot hold.
    """
    file = io.BytesIO()
    with arrow_failures("the answer cannot be written as Parquet"):
        write_parquet(RecordBatch.from_arrays(columns, names=names), file, compression=_COMPRESSION)
    return file.getvalue()


def _batch_size(footer: ParquetFooter, limit: int) -> int:
    """Keeps a dictionary's text, repeated in every row of a batch, within the limit."""
    rows = max(1, min(footer.rows, _BATCH))
    return max(1, min(rows, limit // max(footer.longest_text, 1)))


def _limited(reader: RecordBatchReader, limit: int) -> Iterator[RecordBatch]:
    size = 0
    for batch in reader:
        size += batch.nbytes
        _check_size(size, limit)
        yield batch


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise PayloadTooLarge(
            f"the Parquet file decodes to {size} bytes or more, of which one call takes {limit}; "
            "send less at once, or use the asynchronous or batch mode"
        )
