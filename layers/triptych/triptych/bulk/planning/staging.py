"""Plain copies of the chunks of compressed text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain

from triptych.batches.file import Chunk, InputFile
from triptych.batches.form import FileFormat
from triptych.bulk.planning.texts import beginning, header_row, scanner_of, sliced
from triptych.errors import BadRequest
from triptych.interfaces.objects import Bucket, ObjectReader, ObjectWriter
from triptych.protocol.compression import decompressed

_TYPES = {FileFormat.CSV: "text/csv", FileFormat.JSON_LINES: "application/jsonl"}

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
        self._writer = self._writer or self._staging.create(self._key(), _TYPES[self._file.form.format])
        return self._writer

    def _key(self) -> str:
        return f"{self._prefix}{len(self._chunks):05d}"


def _plain(file: InputFile, source: ObjectReader) -> Iterator[bytes]:
    return decompressed(source.blocks(0, source.size), file.form.compression, sys.maxsize)
