"""Objects of S3 written as streams."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from triptych.aws.clients import reaching
from triptych.aws.joining import Multipart
from triptych.aws.s3_errors import STORE
from triptych.aws.stored import StoredObject, written

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART = 8 << 20
"""Bytes of the first parts."""

GROWTH = 1000
"""Parts after which they are twice as large: 10,000 parts, as many as there may be, hold what S3 takes."""

THREADS = 3
"""Parts that are sent at once, and with the one that is made are held in memory."""


def part_size(number: int) -> int:
    """Gives the bytes of a part; numbers begin with 1."""
    return PART << ((number - 1) // GROWTH)


class S3ObjectWriter:
    """Writes one object: a small one by one request, a larger one in parts.

    Args:
        client: Calls S3.
        bucket: Name of the bucket.
        key: Key of the object.
        content_type: What it is.
    """

    def __init__(self, client: S3Client, bucket: str, key: str, content_type: str) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._buffer = bytearray()
        self._size = 0
        self._number = 1
        self._open = True
        self._upload: Multipart | None = None
        self._sent: list[CompletedPartTypeDef] = []
        self._sending: deque[Future[CompletedPartTypeDef]] = deque()
        self._pool = ThreadPoolExecutor(THREADS)

    def write(self, data: bytes, /) -> int:
        """Adds bytes, and sends full parts while the next ones are made.

        Raises:
            ValueError: The object was closed or aborted.
            ServiceUnavailable: S3 cannot be reached; nothing becomes visible.
        """
        if not self._open:
            raise ValueError("write to an object that was closed or aborted")
        self._buffer += data
        self._size += len(data)
        while len(self._buffer) >= part_size(self._number):
            self._flush(part_size(self._number))
        return len(data)

    def close(self) -> StoredObject:
        """Makes the object visible.

        Raises:
            ValueError: The object was closed or aborted.
            ServiceUnavailable: S3 cannot be reached; nothing becomes visible.
        """
        if not self._open:
            raise ValueError("close of an object that was closed or aborted")
        try:
            with reaching(STORE):
                answer = self._complete() if self._upload else self._put()
        except BaseException:
            self.abort()
            raise
        self._open = False
        self._pool.shutdown()
        return written(self._key, self._size, answer)

    def abort(self) -> None:
        """Forgets what was written; nothing is done when the object is there already, or was aborted."""
        if not self._open:
            return
        self._open = False
        self._buffer.clear()
        self._pool.shutdown(cancel_futures=True)  # parts that came after the end would stay
        if self._upload:
            self._upload.abort()

    def _flush(self, size: int) -> None:
        part = bytes(self._buffer[:size])
        del self._buffer[:size]
        try:
            with reaching(STORE):
                self._send(part)
        except BaseException:
            self.abort()
            raise

    def _send(self, part: bytes) -> None:
        if self._upload is None:
            self._upload = Multipart.begin(
                self._client, self._bucket, self._key, ContentType=self._content_type
            )
        while len(self._sending) >= THREADS:
            self._sent.append(self._sending.popleft().result())
        self._sending.append(self._pool.submit(self._upload.send, self._number, part))
        self._number += 1

    def _complete(self) -> Mapping[str, Any]:
        assert self._upload is not None  # noqa: S101 - its caller has looked
        if self._buffer:
            self._send(bytes(self._buffer))
        self._sent += [part.result() for part in self._sending]
        return self._upload.complete(self._sent)

    def _put(self) -> Mapping[str, Any]:
        return self._client.put_object(
            Bucket=self._bucket,
            Key=self._key,
            Body=bytes(self._buffer),
            ContentType=self._content_type,
            ChecksumAlgorithm="CRC32",
        )
