"""Plain copies of compressed text: its chunks as objects of the bucket for work."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import chain
from typing import Final, NamedTuple

from triptych.aws.bucket import Bucket
from triptych.aws.uploads import ObjectWriter
from triptych.batches.batch import Batch
from triptych.batches.file import Chunk, InputFile, without_long_head
from triptych.batches.keys import staged_key
from triptych.batches.scanner import beginning, header_row, scanner_of, sliced
from triptych.batches.store import BatchStorage
from triptych.clock import Deadline
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.inference.piece import Source
from triptych.protocol.compression import decompressed

MAX_CHUNKS: Final = 10_000
"""Chunks that a file is cut into at most."""


class Staging(NamedTuple):
    """Where plain copies of chunks of a batch are written."""

    work: Bucket
    batch_id: str


def staged_chunks(
    file: InputFile, source: Source, size: int, staging: Staging, tick: Callable[[], None]
) -> list[Chunk]:
    """Writes each chunk of compressed text as an object of its own; the same bytes whenever it is done again.

    Raises:
        BadRequest: It is not what its compression says, or a record is too long.
        UnsupportedMediaType: Its compression is not read here.
    """
    plain = decompressed(source.blocks(0, source.size), file.form.compression, sys.maxsize)
    blocks = sliced(plain)
    first = beginning(blocks, file.form)
    copies = _Copies(file, first.end, header_row(first.head), staging)
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

    def __init__(self, file: InputFile, start: int, head: str, staging: Staging) -> None:
        self.start = start
        self._file = file
        self._head = head
        self._staging = staging
        self._chunks: list[Chunk] = []
        self._writer: ObjectWriter | None = None

    def write(self, data: bytes) -> None:
        """Adds bytes to the chunk, which begins with the first of them."""
        if data:
            self._opened().write(data)

    def close(self, end: int) -> None:
        """Ends the chunk; raises `BadRequest` if there are too many."""
        if len(self._chunks) == MAX_CHUNKS:
            raise BadRequest(f"the file decompresses to more than {MAX_CHUNKS} chunks; split the file")
        self._opened().close()
        key = self._key()
        chunk = Chunk(self._file, len(self._chunks), self.start, end, self._head, staged=key)
        self._chunks.append(chunk)
        self._writer, self.start = None, end

    def finish(self, end: int) -> list[Chunk]:
        """Ends the last chunk, and returns all."""
        if self._writer or not self._chunks:
            self.close(end)
        chunks = self._chunks
        return [chunks[0]._replace(only=True)] if len(chunks) == 1 else chunks

    def abort(self) -> None:
        """Discards the chunk that is being written."""
        if self._writer:
            self._writer.abort()

    def _opened(self) -> ObjectWriter:
        self._writer = self._writer or self._staging.work.create(
            self._key(), self._file.form.format.content_type
        )
        return self._writer

    def _key(self) -> str:
        return staged_key(self._staging.batch_id, self._file.number, len(self._chunks))


_WHOLE = 2**62
_ENDING = 5.0  # seconds left to record that there was not enough time for a copy either


def plain_copy(storage: BatchStorage, batch: Batch, file: InputFile, deadline: Deadline) -> Chunk:
    """Copies compressed text as plain text, one chunk, which can be gone on with wherever time was up.

    Raises:
        BadRequest: It is not what its compression says.
        PayloadTooLarge: It cannot be copied in time, or its format must be read in one go.
    """
    if not file.form.format.is_text:
        raise PayloadTooLarge(
            "there was not enough time for the file, whose format is read in one go; "
            "split it, or send it as CSV or JSON Lines"
        )
    check = storage.batches.checkpoint(batch.id)

    def tick() -> None:
        check()
        if deadline.remaining < _ENDING:
            raise PayloadTooLarge("there was not enough time to decompress the file; split it")

    source = storage.inputs.open(file.stored)
    copies = staged_chunks(file, source, _WHOLE, Staging(storage.work, batch.id), tick)
    (copy,) = without_long_head(storage.work, batch.id, copies)
    return copy
