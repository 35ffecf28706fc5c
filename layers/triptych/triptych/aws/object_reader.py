"""Objects of S3 read in ranges, several at once."""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError

from triptych.aws.ahead import ahead
from triptych.aws.s3_errors import known_generation
from triptych.aws.stored import ByteRange, StoredObject
from triptych.errors import PayloadTooLarge

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BLOCK = 8 << 20
"""Bytes of a range: S3 advises 8 to 16 MB."""

THREADS = 4
"""Ranges that are read at once: with the one that is dealt with, 40 MiB of them are held at most."""

_TRIES = 4
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class S3ObjectReader:
    """Reads one generation of an object.

    Every method raises `Conflict` where it was replaced or removed, and `ServiceUnavailable` where S3
    cannot be reached.

    Args:
        client: Calls S3.
        bucket: Name of the bucket.
        found: The object.
        scratch: Directory of local copies.
        block: Bytes of a range.
    """

    def __init__(
        self, client: S3Client, bucket: str, found: StoredObject, scratch: Path, block: int = BLOCK
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._found = found
        self._scratch = scratch
        self._block = block

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return self._found.size

    def read(self, start: int, stop: int) -> bytes:
        """Reads some bytes; fewer where the object ends before."""
        return self._read(ByteRange(start, min(stop, self.size)))

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Reads some bytes in blocks, the next ones while one is dealt with."""
        return ahead(self._read, self._ranges(ByteRange(start, min(stop, self.size))), THREADS)

    @contextmanager
    def local(self, ranges: Sequence[ByteRange] | None = None) -> Generator[Path]:
        """Gives a file of the object's size that holds these bytes where they belong; None for all.

        Raises:
            PayloadTooLarge: The disk is too small.
        """
        wanted = [ByteRange(0, self.size)] if ranges is None else ranges
        self._scratch.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._scratch) as directory:
            path = Path(directory) / "object"
            with _room():
                self._fill(path, wanted)
            yield path

    def _fill(self, path: Path, wanted: Sequence[ByteRange]) -> None:
        def fetch(span: ByteRange) -> None:
            content = self._read(span)
            with path.open("r+b") as part:
                part.seek(span.start)
                part.write(content)

        with path.open("wb") as file:
            file.truncate(self.size)
        for _ in ahead(fetch, (span for large in wanted for span in self._ranges(large)), THREADS):
            pass  # each has been written

    def _ranges(self, span: ByteRange) -> Iterator[ByteRange]:
        for start in range(span.start, span.stop, self._block):
            yield ByteRange(start, min(start + self._block, span.stop))

    def _read(self, span: ByteRange) -> bytes:
        if span.start >= span.stop:
            return b""
        with known_generation():
            for _ in range(_TRIES - 1):
                try:
                    return self._get(span)
                except BotoCoreError:  # boto3 tries a request again, but not the rest of an answer
                    continue
            return self._get(span)

    def _get(self, span: ByteRange) -> bytes:
        found = self._client.get_object(
            Bucket=self._bucket,
            Key=self._found.key,
            Range=f"bytes={span.start}-{span.stop - 1}",
            IfMatch=f'"{self._found.etag}"',
            **self._version(),
        )
        with closing(found["Body"]) as body:
            return body.read()

    def _version(self) -> Any:  # noqa: ANN401 - of S3
        return {} if self._found.version is None else {"VersionId": self._found.version}


@contextmanager
def _room() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise PayloadTooLarge("the file does not fit on the function's disk") from error
