"""Plain copies of the chunks of compressed text.

Chunks of a file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, pairwise

from triptych.aws.stored import Bucket, ObjectReader, ObjectWriter
from triptych.batches.cuts import (
    beginning,
    csv_cuts,
    growing,
    header_row,
    line_cuts,
    npy_layout,
    scanner_of,
    sliced,
)
from triptych.batches.file import Chunk, InputFile
from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded
from triptych.inference.reading import footer_of, group_cuts
from triptych.protocol.compression import decompressed
from triptych.rows.formats import Format

MAX_CHUNKS = 10_000
"""Chunks that a file is cut into at most."""


def staged_chunks(  # noqa: PLR0913, PLR0917 - as plan_chunks
    file: InputFile,
    source: ObjectReader,
    size: int,
    staging: Bucket,
    prefix: str,
    tick: Callable[[], None],
) -> list[Chunk]:
    """Writes each chunk of compressed text as an object of its own; the same bytes whenever it is done again.

    Args:
        file: The file.
        source: Its compressed content.
        size: How large chunks should be.
        staging: Takes the chunks.
        prefix: What their keys begin with.
        tick: Is called again and again, and may raise what shall end this.

    Raises:
        BadRequest: It is not what its compression says, or a record is too long.
        UnsupportedMediaType: Its compression is not read here.
    """
    blocks = sliced(_plain(file, source))
    first = beginning(blocks, file.form)
    copies = _Copies(file, first.end, header_row(first.head), staging, prefix)
    scanner, position = scanner_of(file.form, first.end), first.end
    try:
        for block in chain([first.rest], blocks):
            tick()
            scanner.feed(block)
            written = 0
            while (end := scanner.end(copies.start + size)) is not None:
                copies.write(block[written : end - position])
                copies.close(end)
                written = end - position
            copies.write(block[written:])
            position += len(block)
        return copies.finish(position)
    except BaseException:
        copies.abort()
        raise


class _Copies:
    """Chunks that are written one after the other."""

    def __init__(self, file: InputFile, start: int, head: str, staging: Bucket, prefix: str) -> None:
        self.start = start
        self._file = file
        self._head = head
        self._staging = staging
        self._prefix = prefix
        self._chunks: list[Chunk] = []
        self._writer: ObjectWriter | None = None

    def write(self, data: bytes) -> None:
        """Adds bytes to the chunk, which begins with the first of them."""
        if data:
            self._opened().write(data)

    def close(self, end: int) -> None:
        """Ends the chunk.

        Raises:
            BadRequest: There are too many.
        """
        if len(self._chunks) == MAX_CHUNKS:
            raise BadRequest(f"the file decompresses to more than {MAX_CHUNKS} chunks; split the file")
        self._opened().close()
        key = self._key()
        chunk = Chunk(self._file, len(self._chunks), self.start, end, self._head, staged=key)
        self._chunks.append(chunk)
        self._writer, self.start = None, end

    def finish(self, end: int) -> list[Chunk]:
        """Ends the last chunk, and gives all."""
        if self._writer or not self._chunks:
            self.close(end)
        chunks = self._chunks
        return [chunks[0]._replace(only=True)] if len(chunks) == 1 else chunks

    def abort(self) -> None:
        """Forgets the chunk that is being written."""
        if self._writer:
            self._writer.abort()

    def _opened(self) -> ObjectWriter:
        self._writer = self._writer or self._staging.create(self._key(), self._file.form.format.content_type)
        return self._writer

    def _key(self) -> str:
        return f"{self._prefix}{len(self._chunks):05d}"


def _plain(file: InputFile, source: ObjectReader) -> Iterator[bytes]:
    return decompressed(source.blocks(0, source.size), file.form.compression, sys.maxsize)


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
        return staged_chunks(file, source, size, staging, staging_prefix, tick)
    first = beginning(growing(source), form)
    if form.format is Format.JSON_LINES:
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
