"""A source that is a file on the disk; a benchmark reads through it as well."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from triptych.errors import Conflict
from triptych.inference.piece import Source


class FileReader(Source):
    """Reads a file.

    Args:
        path: Its content.
        block: Bytes of a block.
    """

    def __init__(self, path: Path, block: int = 2**20) -> None:
        self._path = path
        self._block = block

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._path.stat().st_size

    def read(self, start: int, stop: int) -> bytes:
        """Reads some bytes."""
        if not self._path.exists():
            raise Conflict("the file was replaced or removed since it was looked up")
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Reads some bytes in blocks."""
        for position in range(start, stop, self._block):
            yield self.read(position, min(position + self._block, stop))

    @contextmanager
    def local(self, ranges: Sequence[range] | None = None) -> Iterator[Path]:
        """Returns a file that holds nothing but the ranges, so that whoever reads more of it finds zeros."""
        with TemporaryDirectory() as directory:
            path = Path(directory) / "local"
            with path.open("wb") as file:
                file.truncate(self.size)
                for span in [range(self.size)] if ranges is None else ranges:
                    file.seek(span.start)
                    file.write(self.read(span.start, span.stop))
            yield path
