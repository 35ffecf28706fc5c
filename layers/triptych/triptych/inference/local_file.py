"""Files on the function's disk: the input of a large job, which is read decompressed, and its answer."""

from __future__ import annotations

import errno
import mmap
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from triptych.errors import PayloadTooLarge
from triptych.protocol.compression import PLAIN_LIMIT, decompressed

MAX_PLAIN = 2**30
"""Bytes that a file may have when it is not compressed, or no longer."""

_BLOCK = 2**20  # bytes that are read at once
_COMPRESSED_BLOCK = 2**16  # of which each may unfold to many
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FileAnswer(NamedTuple):
    """An answer that is in a local file.

    Attributes:
        header_length: Bytes of the JSON header; None when there are no raw tensors.
        filled: How many missing cells of rows took the value for missing cells.
    """

    content_type: str
    header_length: int | None
    filled: int
    rows: int


class LocalFile(NamedTuple):
    """A file that may be compressed.

    Attributes:
        encoding: Its Content-Encoding; None when it is plain.
        directory: Where a decompressed copy may lie.
    """

    path: Path
    encoding: str | None
    directory: Path

    def blocks(self) -> Iterator[bytes]:
        """Reads the plain content in blocks.

        Raises:
            BadRequest: It is not what its encoding says.
            PayloadTooLarge: It is longer than `MAX_PLAIN`.
            UnsupportedMediaType: The encoding is not read here.
        """
        if self.path.stat().st_size > MAX_PLAIN:
            raise PayloadTooLarge(f"the file has more than the {MAX_PLAIN} bytes that one job takes")
        with self.path.open("rb", buffering=0) as file:
            blocks = iter(lambda: file.read(_COMPRESSED_BLOCK if self.encoding else _BLOCK), b"")
            yield from decompressed(blocks, self.encoding, MAX_PLAIN)

    def content(self, reason: str) -> bytes:
        """Reads the whole plain content into memory; the message says why, and what to send instead.

        Raises:
            PayloadTooLarge: It is longer than `PLAIN_LIMIT`.
        """
        content = bytearray()
        for block in self.blocks():
            content += block
            if len(content) > PLAIN_LIMIT.bytes:
                raise PayloadTooLarge(f"more than {PLAIN_LIMIT.bytes} bytes are not taken {reason}")
        return bytes(content)

    @contextmanager
    def plain(self) -> Generator[Path]:
        """Yields a file of the plain content; the copy of one that is compressed is deleted afterwards."""
        if (self.encoding or "identity").strip().lower() == "identity":
            yield self.path
            return
        with NamedTemporaryFile(dir=self.directory) as copy:
            for block in self.blocks():
                copy.write(block)
            copy.flush()
            yield Path(copy.name)

    @contextmanager
    def mapped(self) -> Generator[memoryview]:
        """Maps the plain content into memory: its pages are the system's, which drops them when it must."""
        with self.plain() as path:
            if not path.stat().st_size:  # nothing cannot be mapped
                yield memoryview(b"")
                return
            with path.open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            # An error's traceback may still hold views of it: it is closed when the last of them is gone.
            yield memoryview(content)


@contextmanager
def room_on_disk() -> Generator[None]:
    """Raises `PayloadTooLarge` where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL_DISK:
            raise
        raise PayloadTooLarge(
            "the job needs more room on the function's disk than there is: about the size of the input, "
            "decompressed, and of the answer together; send less at once, or ask for fewer outputs"
        ) from error
