"""Parquet rows."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from arro3.core import Array, RecordBatch
from arro3.io import read_ipc_stream, write_parquet

from triptych.errors import BadRequest
from triptych.tables.arrow import arrow_failures, columns_of
from triptych.tables.table import Column, Table, check_names
from triptych.tables.table_decoder import decoded

COMPRESSION = "snappy"
"""The fastest that every reader knows."""

_MAGIC = b"PAR1"


def decode_parquet(body: bytes, limit: int) -> Table:
    """Reads Parquet; cells keep their types.

    Args:
        body: The whole file.
        limit: Bytes that its cells may take in memory.

    Raises:
        BadRequest: It is not Parquet, or not readable here.
        PayloadTooLarge: Its cells take more than the limit.
    """
    check_ends(body[: 3 * len(_MAGIC)], body[-len(_MAGIC) :])
    stream = decoded(body, limit)
    with arrow_failures("the body is not readable as Parquet"):
        reader = read_ipc_stream(stream)
        names = reader.schema.names
        check_names(names)
        return table_of(names, reader)


def check_ends(beginning: bytes, end: bytes) -> None:
    """Checks the first twelve bytes and the last four of a file.

    Raises:
        BadRequest: They are not those of Parquet.
    """
    if len(beginning) < 3 * len(_MAGIC) or not (beginning.startswith(_MAGIC) and end == _MAGIC):
        raise BadRequest("the body is not a Parquet file: it must begin and end with PAR1")


def table_of(names: Sequence[str], batches: Iterable[RecordBatch]) -> Table:
    """Makes one table of batches with these columns."""
    columns, rows = columns_of(batches)
    cells: list[Column] = [*columns] if rows else [[] for _ in names]
    return Table(dict(zip(names, cells, strict=True)), rows)


def encode_parquet(names: Sequence[str], columns: Sequence[Array]) -> bytes:
    """Writes Parquet.

    Raises:
        BadRequest: A column has a type that Parquet cannot hold.
    """
    file = io.BytesIO()
    with arrow_failures("the answer cannot be written as Parquet"):
        write_parquet(RecordBatch.from_arrays(columns, names=names), file, compression=COMPRESSION)
    return file.getvalue()
