"""What streams of S3 hold in memory."""

import time
import tracemalloc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from mypy_boto3_s3 import S3Client
from triptych.aws.bucket import Bucket
from triptych.aws.clients import AwsClients
from triptych.aws.objects import NewObject, ObjectReader, StoredObject
from triptych.aws.uploads import ObjectWriter

MIB = 2**20
SIZE = 200 * MIB
LIMIT = 64 * MIB


class Zeros:
    """An answer of so many zeros."""

    def __init__(self, size: int) -> None:
        self._size = size

    def read(self) -> bytes:
        """Reads all of them."""
        return bytes(self._size)

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        """Reads some at a time."""
        for start in range(0, self._size, size):
            yield bytes(min(size, self._size - start))

    def close(self) -> None:
        """Ends it."""


class SlowS3:
    """Takes parts and forgets them, slower than they are made; gives zeros."""

    def __init__(self) -> None:
        self.taken = 0

    def create_multipart_upload(self, **_: object) -> dict[str, str]:
        """Begins an upload."""
        return {"UploadId": "1"}

    def upload_part(self, *, Body: bytes, **_: object) -> dict[str, str]:  # noqa: N803 - of S3
        """Takes a part."""
        time.sleep(0.01)
        self.taken += len(Body)
        return {"ETag": '"1"', "ChecksumCRC32": "AAAAAA=="}

    def complete_multipart_upload(self, **_: object) -> dict[str, str]:
        """Ends an upload."""
        return {"ETag": '"1-1"'}

    def get_object(self, *, Range: str, **_: object) -> dict[str, Any]:  # noqa: N803 - of S3
        """Returns zeros."""
        first, last = Range.removeprefix("bytes=").split("-")
        return {"Body": Zeros(int(last) + 1 - int(first))}


@contextmanager
def held() -> Generator[list[int]]:
    """Measures the bytes that Python holds at most, beyond those before."""
    peak: list[int] = []
    tracemalloc.start()
    try:
        yield peak
        peak.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def bucket_over(s3: SlowS3, scratch: Path) -> Bucket:
    """A bucket that calls this S3."""
    clients = AwsClients()
    clients.s3 = cast("S3Client", s3)
    return Bucket(clients, "bucket", scratch=scratch)


def test_written(tmp_path: Path) -> None:
    """200 MiB are written with a third of them held at most, also when S3 is slower than the writer."""
    s3 = SlowS3()
    block = bytes(MIB)
    with held() as peak:
        writer = ObjectWriter(bucket_over(s3, tmp_path), NewObject("key", "text/csv"))
        for _ in range(SIZE // MIB):
            writer.write(block)
        writer.close()
    assert s3.taken == SIZE
    assert peak[0] < LIMIT


def test_read(tmp_path: Path) -> None:
    """200 MiB are read with a third of them held at most, also when S3 is faster than the reader."""
    found = StoredObject("key", SIZE, "etag", None, 0)
    reader = ObjectReader(bucket_over(SlowS3(), tmp_path), found)
    read = 0
    with held() as peak:
        for block in reader.blocks(0, SIZE):
            read += len(block)
            time.sleep(0.01)
    assert read == SIZE
    assert peak[0] < LIMIT


def test_downloaded(tmp_path: Path) -> None:
    """200 MiB go to the disk with a sixth of them held at most."""
    found = StoredObject("key", SIZE, "etag", None, 0)
    with held() as peak:
        bucket_over(SlowS3(), tmp_path).download({tmp_path / "file": found})
    assert (tmp_path / "file").stat().st_size == SIZE
    assert peak[0] < LIMIT // 2
