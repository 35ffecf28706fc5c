"""Chunks of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from triptych.batches.file import Chunk, InputFile
from triptych.batches.form import TEXTS, FileFormat
from triptych.bulk.planning.npy import npy_layout
from triptych.bulk.planning.parquet import footer_of, group_cuts
from triptych.bulk.planning.staging import MAX_CHUNKS, staged_chunks
from triptych.bulk.planning.texts import beginning, csv_cuts, growing, header_row, line_cuts
from triptych.errors import DeadlineExceeded
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.objects import Bucket, ObjectReader

_ALL_ROWS = 2**53
"""Position after the last row of a file that does not tell how many it has."""


def plan_chunks(  # noqa: PLR0911, PLR0913, PLR0917 - each format has its way; each argument is a fact of its own
    file: InputFile,
    source: ObjectReader,
    chunk_bytes: int,
    staging: Bucket,
    staging_prefix: str,
    deadline: Deadline,
    checkpoint: Callable[[], None],
) -> list[Chunk]:
    """Cuts a file at the ends of records.

    Args:
        file: The file.
        source: Its content.
        chunk_bytes: How large chunks should be.
        staging: Takes plain copies of chunks of a file that cannot be read from its middle.
        staging_prefix: What their keys begin with.
        deadline: When this must have ended.
        checkpoint: Is called again and again, and may raise what shall end this.

    Returns:
        At least one; one without records where the file has none.

    Raises:
        BadRequest: The file cannot be cut, and not be read either.
        DeadlineExceeded: There was not enough time.
        UnsupportedMediaType: Its compression is not read here.
    """

    def tick() -> None:
        checkpoint()
        if deadline.remaining <= 0:
            raise DeadlineExceeded(
                "there was no time left to cut the file; split it into smaller ones, or ask for larger chunks"
            )

    form = file.form
    size = wanted_size(source, chunk_bytes)
    if form.format is FileFormat.NPY:
        return npy_chunks(file, source, size)
    if form.format is FileFormat.PARQUET:
        footer = footer_of(source)
        return _between(file, 0, group_cuts(footer, size), footer.rows)
    if form.format is FileFormat.ARROW:
        return [Chunk(file, 0, 0, _ALL_ROWS, only=True)]
    if form.format not in TEXTS or (form.compression and source.size <= chunk_bytes):
        return [Chunk(file, 0, 0, source.size, only=True)]
    if form.compression:
        return staged_chunks(file, source, size, staging, staging_prefix, tick)
    first = beginning(growing(source), form)
    if form.format is FileFormat.JSON_LINES:
        return _between(file, first.end, line_cuts(source, first.end, size, tick), source.size)
    cuts = csv_cuts(source, form, first.end, size, tick)
    return _between(file, first.end, cuts, source.size, header_row(first.head))


def wanted_size(source: ObjectReader, chunk_bytes: int) -> int:
    """Gives the bytes of a chunk of a file, which has a bounded number of them."""
    return max(1, chunk_bytes, -(-source.size // MAX_CHUNKS))


def npy_chunks(file: InputFile, source: ObjectReader, size: int) -> list[Chunk]:
    """Cuts a .npy file between rows into chunks of about so many bytes."""
    layout = npy_layout(source)
    rows = max(1, size // max(1, layout.row_bytes), -(-layout.rows // MAX_CHUNKS))
    return _between(file, 0, range(rows, layout.rows, rows), layout.rows, layout.head.decode("latin-1"))


def _between(file: InputFile, start: int, cuts: Iterable[int], end: int, head: str = "") -> list[Chunk]:
    """Makes the chunks between cuts."""
    positions: Iterator[tuple[int, int]] = pairwise([start, *cuts, end])
    chunks = [Chunk(file, number, *pair, head) for number, pair in enumerate(positions)]
    return [chunks[0]._replace(only=True)] if len(chunks) == 1 else chunks
