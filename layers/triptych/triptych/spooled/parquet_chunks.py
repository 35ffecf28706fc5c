"""Parquet of any length as tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from arro3.core import RecordBatch

from triptych.clock import Deadline
from triptych.rows.codec import MAX_DECODED
from triptych.rows.parquet import check_ends, decoded_batches, table_of
from triptych.rows.table import check_names
from triptych.spooled.chunk import Chunk


def parquet_chunks(path: Path, deadline: Deadline, size: int) -> Iterator[Chunk]:
    """Reads Parquet in chunks; cells keep their types.

    Args:
        path: The file.
        deadline: When it must have been read.
        size: Bytes of cells from which a chunk is given.

    Raises:
        BadRequest: It is not readable as Parquet.
        PayloadTooLarge: A batch of it decodes to more than `MAX_DECODED`, or it takes too long.
    """
    with path.open("rb") as file:
        beginning = file.read(12)
        file.seek(-min(4, len(beginning)), 2)
        check_ends(beginning, file.read())
    rows, bytes_held = 0, 0
    held: list[RecordBatch] = []
    names: list[str] = []
    for batch in decoded_batches(path, MAX_DECODED, deadline.remaining):
        names = batch.schema.names
        held.append(batch)
        bytes_held += batch.nbytes
        if bytes_held >= size:
            yield _chunk(names, held, rows)
            rows += sum(part.num_rows for part in held)
            held, bytes_held = [], 0
    if held or not rows:
        yield _chunk(names, held, rows)


def _chunk(names: list[str], batches: list[RecordBatch], rows: int) -> Chunk:
    check_names(names)
    return Chunk(table_of(names, batches), rows)
