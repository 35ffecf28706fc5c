"""Rows of files that are tables: Parquet and Arrow.

Both are decoded in a process of their own, some thousand rows at a time. Of Parquet, only the
row groups are fetched in which the rows are.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from arro3.core import RecordBatch

from triptych.clock import Deadline
from triptych.errors import BadRequest
from triptych.inference.local_file import LocalFile
from triptych.inference.piece import Piece, Source
from triptych.inference.slices import Sizes
from triptych.rows.codec import MAX_DECODED
from triptych.rows.formats import Format
from triptych.rows.parquet import TableFormat, check_ends, decoded_batches, table_of
from triptych.rows.parquet_footer import MAGIC, TAIL, Footer, footer_length, read_footer
from triptych.rows.table import Table, check_names

type Batches = Iterator[tuple[RecordBatch, int]]
"""Rows, and the position after the last of them; first no rows, for the columns."""

_PROBE = 2**16  # bytes that most footers fit into


def footer_of(source: Source) -> Footer:
    """Reads the footer of a file; raises `BadRequest` if it is no Parquet file, or damaged."""
    size = source.size
    tail = source.read(max(0, size - _PROBE), size)
    length = footer_length(tail, size)
    if length + TAIL > len(tail):
        tail = source.read(size - TAIL - length, size)
    return read_footer(tail[-TAIL - length : -TAIL], size)


def group_cuts(footer: Footer, size: int) -> list[int]:
    """Finds rows at which to cut, between row groups, so that chunks have about this many bytes."""
    cuts: list[int] = []
    taken = 0
    for group in footer.groups:
        if taken >= size and group.rows:
            cuts.append(group.first)
            taken = 0
        taken += group.end - group.start
    return cuts


def parquet_rows(piece: Piece, deadline: Deadline) -> Batches:
    """Reads the rows of a piece, of nothing but the row groups that they are in.

    Raises:
        BadRequest: The file is not readable, or two columns have the same name.
        PayloadTooLarge: Its rows are too large, or the disk is too small.
    """
    footer = footer_of(piece.source)
    numbers = [
        number
        for number, group in enumerate(footer.groups)
        if group.first < piece.end and piece.start < group.first + group.rows
    ]
    groups = footer.groups[numbers[0] : numbers[-1] + 1] if numbers else ()
    end = footer.only(numbers[0], numbers[-1]) if numbers else footer.only(0, -1)
    ranges = [range(len(MAGIC)), *(range(group.start, group.end) for group in groups)]
    with _cut(piece, ranges, end) as path:
        yield from _within(piece, path, Format.PARQUET, groups[0].first if groups else piece.start, deadline)


def arrow_rows(piece: Piece, deadline: Deadline) -> Batches:
    """Reads the rows of a piece of an Arrow file or stream; raises what `parquet_rows` does."""
    if piece.source.size == 0:
        raise BadRequest("the file is empty; an Arrow file has a schema at least")
    with piece.source.local() as path:
        yield from _within(piece, path, Format.ARROW, 0, deadline)


def local_parquet_rows(file: LocalFile, sizes: Sizes, deadline: Deadline) -> Iterator[tuple[Table, int]]:
    """Reads all rows of a local Parquet file; those of one without rows have columns without types.

    Raises:
        BadRequest: It is not readable as Parquet, or two columns have the same name.
        PayloadTooLarge: A batch of it decodes to more than `MAX_DECODED`, or it takes too long.
    """
    names: list[str] = []
    held: list[RecordBatch] = []
    size = position = 0
    with file.plain() as path:
        with path.open("rb") as content:
            beginning = content.read(12)
            content.seek(-min(4, len(beginning)), 2)
            check_ends(beginning, content.read())
        for batch in decoded_batches(path, MAX_DECODED, deadline.remaining):
            if not names:
                check_names(names := batch.schema.names)
            held.append(batch)
            size += batch.nbytes
            position += batch.num_rows
            if size >= sizes.largest:
                yield table_of(names, held), position
                held, size = [], 0
    if held:
        yield table_of(names, held), position


@contextmanager
def _cut(piece: Piece, ranges: list[range], end: bytes) -> Generator[Path]:
    """Yields a file of just some row groups: holes between them, and a footer of their own."""
    with piece.source.local(ranges) as path:
        with path.open("r+b") as file:
            file.truncate(max(span.stop for span in ranges))
            file.seek(0, 2)
            file.write(end)
        yield path


def _within(piece: Piece, path: Path, kind: TableFormat, first: int, deadline: Deadline) -> Batches:
    """Reads a file whose first row has the position `first`, and yields the rows of the piece."""
    position = first
    for batch in decoded_batches(path, MAX_DECODED, deadline.remaining, kind):
        before, position = position, position + batch.num_rows
        start, stop = max(piece.start, before), min(piece.end, position)
        if not batch.num_rows:
            check_names(batch.schema.names)
            yield batch, piece.start
        elif start < stop:
            yield batch.slice(start - before, stop - start), stop
        if position >= piece.end:
            return
