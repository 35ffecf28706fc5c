"""Rows of files that are tables: Parquet and Arrow."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from arro3.core import RecordBatch

from triptych.bulk.piece import Piece
from triptych.bulk.planning.parquet import footer_of
from triptych.errors import BadRequest
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.objects import ByteRange
from triptych.tables.parquet_footer import MAGIC
from triptych.tables.table_decoder import Kind, decoded_batches

_DECODED = 64 * 2**20  # bytes of cells of a batch


def parquet_rows(piece: Piece, deadline: Deadline) -> Iterator[tuple[RecordBatch, int]]:
    """Reads the rows of a piece, of nothing but the row groups that they are in.

    Yields:
        Rows, and the position after the last of them; first no rows, for the columns.

    Raises:
        BadRequest: The file is not readable.
        PayloadTooLarge: Its rows are too large, or the disk is too small.
    """
    footer = footer_of(piece.source)
    numbers = [
        number
        for number, group in enumerate(footer.groups)
        if group.first < piece.end and piece.start < group.first + group.rows
    ]
    wanted = footer.groups[numbers[0] : numbers[-1] + 1] if numbers else ()
    end = footer.only(numbers[0], numbers[-1]) if numbers else footer.only(0, -1)
    ranges = [ByteRange(0, len(MAGIC)), *(ByteRange(group.start, group.end) for group in wanted)]
    with _cut(piece, ranges, end) as path:
        yield from _within(piece, path, "parquet", wanted[0].first if wanted else piece.start, deadline)


def arrow_rows(piece: Piece, deadline: Deadline) -> Iterator[tuple[RecordBatch, int]]:
    """Reads the rows of a piece of an Arrow file or stream; yields and raises what `parquet_rows` does."""
    if piece.source.size == 0:
        raise BadRequest("the file is empty; an Arrow file has a schema at least")
    with piece.source.local() as path:
        yield from _within(piece, path, "arrow", 0, deadline)


@contextmanager
def _cut(piece: Piece, ranges: list[ByteRange], end: bytes) -> Generator[Path]:
    """Gives a file of just some row groups: holes between them, and a footer of their own."""
    with piece.source.local(ranges) as path:
        with path.open("r+b") as file:
            file.truncate(max(span.stop for span in ranges))
            file.seek(0, 2)
            file.write(end)
        yield path


def _within(
    piece: Piece, path: Path, kind: Kind, first: int, deadline: Deadline
) -> Iterator[tuple[RecordBatch, int]]:
    position = first
    for batch in decoded_batches(path, _DECODED, deadline.remaining, kind):
        before, position = position, position + batch.num_rows
        start, stop = max(piece.start, before), min(piece.end, position)
        if not batch.num_rows:
            yield batch, piece.start
        elif start < stop:
            yield batch.slice(start - before, stop - start), stop
        if position >= piece.end:
            return
