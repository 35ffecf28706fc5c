"""The file that a request came as."""

from __future__ import annotations

import mmap
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from triptych.errors import PayloadTooLarge
from triptych.protocol.compression import PLAIN_LIMIT, decompressed

MAX_SOURCE = 2**30
"""Bytes that a file may have when it is not compressed, or no longer."""

_BLOCK = 2**16  # bytes of a compressed file that are read at once


class Source(NamedTuple):
    """A file, and how it is compressed.

    Attributes:
        path: The file.
        encoding: Its Content-Encoding; None when it is plain.
        directory: Where a decompressed copy may lie.
    """

    path: Path
    encoding: str | None
    directory: Path

    def blocks(self, size: int) -> Iterator[bytes]:
        """Reads the plain content in blocks, of about that many bytes where it is not compressed.

        Raises:
            BadRequest: It is not what its encoding says.
            PayloadTooLarge: It is longer than `MAX_SOURCE`.
            UnsupportedMediaType: The encoding is not read here.
        """
        if self.path.stat().st_size > MAX_SOURCE:
            raise PayloadTooLarge(f"the file has more than the {MAX_SOURCE} bytes that one job takes")
        with self.path.open("rb", buffering=0) as file:
            pieces = iter(lambda: file.read(_BLOCK if self.encoding else size), b"")
            yield from decompressed(pieces, self.encoding, MAX_SOURCE)

    def content(self, why: str) -> bytes:
        """Reads the whole plain content into memory.

        Args:
            why: When content has to be read so, and what to do instead, for the message.

        Raises:
            PayloadTooLarge: It is longer than `PLAIN_LIMIT`.
        """
        content = bytearray()
        for block in self.blocks(2**20):
            content += block
            if len(content) > PLAIN_LIMIT.bytes:
                raise PayloadTooLarge(f"more than {PLAIN_LIMIT.bytes} bytes are not taken {why}")
        return bytes(content)

    @contextmanager
    def plain_file(self) -> Generator[Path]:
        """Gives a file of the plain content; the copy of one that is compressed goes away afterwards."""
        if (self.encoding or "identity").strip().lower() == "identity":
            yield self.path
            return
        with NamedTemporaryFile(dir=self.directory) as copy:
            for block in self.blocks(_BLOCK):
                copy.write(block)
            copy.flush()
            yield Path(copy.name)


@contextmanager
def mapped(path: Path) -> Generator[memoryview]:
    """Maps a file into memory: its pages are the system's, to be dropped whenever it needs them."""
    if not path.stat().st_size:  # nothing cannot be mapped
        yield memoryview(b"")
        return
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    # An error's traceback may still hold views of it: it is closed when the last of them is gone.
    yield memoryview(content)
