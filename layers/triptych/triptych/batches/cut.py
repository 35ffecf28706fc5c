"""Files cut into chunks, at the ends of records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from triptych.batches.file import Chunk, InputFile
from triptych.batches.scanner import beginning, check_length, header_row, scanner_of, sliced
from triptych.batches.staging import MAX_CHUNKS, Staging, staged_chunks
from triptych.errors import DeadlineExceeded
from triptych.inference.npy import npy_header
from triptych.inference.piece import Source
from triptych.inference.slices import Budget
from triptych.inference.table_reading import footer_of, group_cuts
from triptych.rows.formats import Format, RowFormat

_PROBE = 2**16  # bytes that are read at once near a cut
_ALL_ROWS = 2**53
"""Position after the last row of a file that does not tell how many it has."""


def plan_chunks(  # noqa: PLR0911 - each format has its way
    file: InputFile, source: Source, chunk_bytes: int, staging: Staging, budget: Budget
) -> list[Chunk]:
    """Cuts a file at the ends of records, into one chunk at least, without records where there are none.

    Raises:
        BadRequest: The file cannot be cut, and not be read either.
        DeadlineExceeded: There was not enough time.
        UnsupportedMediaType: Its compression is not read here.
    """

    def tick() -> None:
        budget.checkpoint()
        if budget.deadline.remaining <= 0:
            raise DeadlineExceeded(
                "there was no time left to cut the file; split it into smaller ones, or ask for larger chunks"
            )

    form = file.form
    size = chunk_size(source, chunk_bytes)
    if form.format is Format.NPY:
        return npy_chunks(file, source, size)
    if form.format is Format.PARQUET:
        footer = footer_of(source)
        return _between(file, 0, group_cuts(footer, size), footer.rows)
    if form.format is Format.ARROW:
        return [Chunk(file, 0, 0, _ALL_ROWS, only=True)]
    if not form.format.is_text or (form.compression and source.size <= chunk_bytes):
        return [Chunk(file, 0, 0, source.size, only=True)]
    if form.compression:
        return staged_chunks(file, source, size, staging, tick)
    first = beginning(growing(source), form)
    if form.format is Format.JSON_LINES:
        return _between(file, first.end, line_cuts(source, first.end, size, tick), source.size)
    cuts = csv_cuts(source, form, first.end, size, tick)
    return _between(file, first.end, cuts, source.size, header_row(first.head))


def chunk_size(source: Source, chunk_bytes: int) -> int:
    """Returns the bytes of a chunk: the number of chunks of a file is bounded."""
    return max(1, chunk_bytes, -(-source.size // MAX_CHUNKS))


def npy_chunks(file: InputFile, source: Source, size: int) -> list[Chunk]:
    """Cuts a .npy file between rows into chunks of about so many bytes."""
    header = npy_header(source)
    rows = max(1, size // max(1, header.row_bytes), -(-header.rows // MAX_CHUNKS))
    return _between(file, 0, range(rows, header.rows, rows), header.rows, header.text.decode("latin-1"))


def _between(file: InputFile, start: int, cuts: Iterable[int], end: int, head: str = "") -> list[Chunk]:
    """Returns the chunks between cuts."""
    positions: Iterator[tuple[int, int]] = pairwise([start, *cuts, end])
    chunks = [Chunk(file, number, *pair, head) for number, pair in enumerate(positions)]
    return [chunks[0]._replace(only=True)] if len(chunks) == 1 else chunks


def growing(source: Source) -> Iterator[bytes]:
    """Reads little first, then more and more."""
    start, length = 0, _PROBE
    while start < source.size:
        yield source.read(start, min(start + length, source.size))
        start += length
        length *= 2


def line_cuts(source: Source, start: int, size: int, tick: Callable[[], None]) -> Iterator[int]:
    """Finds ends of lines, about `size` bytes apart, with a small read near each."""
    position = start
    while position + size < source.size:
        tick()
        position = _line_end(source, position + size)
        if position < source.size:
            yield position


def _line_end(source: Source, least: int) -> int:
    """Finds the first end of a line that is not before `least`."""
    length, start = _PROBE, least - 1
    while start < source.size:
        found = source.read(start, min(start + length, source.size)).find(b"\n")
        if found >= 0:
            return start + found + 1
        start += length
        check_length(least, min(start, source.size))
        length *= 2
    return source.size


def csv_cuts(
    source: Source, form: RowFormat, start: int, size: int, tick: Callable[[], None]
) -> Iterator[int]:
    """Finds ends of records of CSV, about `size` bytes apart, in one pass over the file."""
    scanner, position = scanner_of(form, start), start
    if start + size >= source.size:
        return
    for block in sliced(source.blocks(start, source.size)):
        tick()
        scanner.feed(block)
        while (end := scanner.end(position + size)) is not None:
            yield end
            position = end
