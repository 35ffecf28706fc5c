"""Objects of S3 written in parts, several of which are sent at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from triptych.aws.clients import BucketClient
from triptych.aws.errors import AWS_FAILURES
from triptych.aws.objects import NewObject, StoredObject, written

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        CompleteMultipartUploadOutputTypeDef,
        CopySourceTypeDef,
    )


PART = 8 << 20
"""Bytes of the first parts."""

GROWTH = 1000
"""Parts after which they are twice as large: 10,000 parts, the most of an upload, hold the largest object."""

THREADS = 3
"""Parts that are sent at once, and with the one that is filled are held in memory."""


def put_object(bucket: BucketClient, new: NewObject, body: bytes) -> Mapping[str, Any]:
    """Writes an object by one request, checked by its CRC32."""
    return bucket.client.put_object(
        Bucket=bucket.name, Body=body, ChecksumAlgorithm="CRC32", **new.described, **new.condition
    )


class Multipart(NamedTuple):
    """An upload in parts that was begun.

    Methods but `abort` raise `ClientError` when S3 refuses, and `BotoCoreError` when it cannot be reached.
    """

    bucket: BucketClient
    new: NewObject
    id: str

    @classmethod
    def begin(cls, bucket: BucketClient, new: NewObject) -> Multipart:
        """Begins an upload, whose parts are checked by their CRC32."""
        begun = bucket.client.create_multipart_upload(
            Bucket=bucket.name, ChecksumAlgorithm="CRC32", **new.described
        )
        return cls(bucket, new, begun["UploadId"])

    def send(self, number: int, body: bytes) -> CompletedPartTypeDef:
        """Sends a part; numbers begin with 1."""
        sent = self.bucket.client.upload_part(
            **self._address,
            PartNumber=number,
            Body=body,
            ChecksumAlgorithm="CRC32",
        )
        return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]}

    def copy(
        self, number: int, source: CopySourceTypeDef, etag: str, span: range | None
    ) -> CompletedPartTypeDef:
        """Makes a part of another object's generation, within S3.

        `span` is which of its bytes, where it has more than 5 MiB; None for all of them.
        """
        ranged: Any = {"CopySourceRange": f"bytes={span.start}-{span.stop - 1}"} if span else {}
        answer = self.bucket.client.upload_part_copy(
            **self._address,
            PartNumber=number,
            CopySource=source,
            CopySourceIfMatch=etag,
            **ranged,
        )
        copied = answer["CopyPartResult"]
        part: CompletedPartTypeDef = {"PartNumber": number, "ETag": copied.get("ETag", "")}
        checksum = copied.get("ChecksumCRC32")
        return {**part, "ChecksumCRC32": checksum} if checksum else part

    def complete(self, parts: Sequence[CompletedPartTypeDef]) -> CompleteMultipartUploadOutputTypeDef:
        """Makes the object of its parts, in the order of numbers."""
        return self.bucket.client.complete_multipart_upload(
            **self._address, MultipartUpload={"Parts": parts}, **self.new.condition
        )

    def abort(self) -> None:
        """Deletes the parts; where that fails, the bucket's lifecycle deletes them later."""
        with suppress(*AWS_FAILURES):
            self.bucket.client.abort_multipart_upload(**self._address)

    @property
    def _address(self) -> Any:  # noqa: ANN401 - parameters of S3
        return {"Bucket": self.bucket.name, "Key": self.new.key, "UploadId": self.id}


def part_size(number: int) -> int:
    """Returns the bytes of a part; numbers begin with 1."""
    return PART << ((number - 1) // GROWTH)


class ObjectWriter:
    """Writes one object, which is there only when it is closed: a small one by one request, else in parts."""

    def __init__(self, bucket: BucketClient, new: NewObject) -> None:
        self._bucket = bucket
        self._new = new
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
            Conflict: It is written once, and there already.
            ServiceUnavailable: S3 cannot be reached; nothing becomes visible.
        """
        if not self._open:
            raise ValueError("close of an object that was closed or aborted")
        try:
            with self._bucket.errors():
                answer = self._complete()
        except BaseException:
            self.abort()
            raise
        self._open = False
        self._pool.shutdown()
        return written(self._new, self._size, answer)

    def abort(self) -> None:
        """Deletes what was written; nothing is done when the object was closed or aborted before."""
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
            with self._bucket.errors():
                self._send(part)
        except BaseException:
            self.abort()
            raise

    def _send(self, part: bytes) -> None:
        upload = self._upload = self._upload or Multipart.begin(self._bucket, self._new)
        while len(self._sending) >= THREADS:
            self._sent.append(self._sending.popleft().result())
        self._sending.append(self._pool.submit(upload.send, self._number, part))
        self._number += 1

    def _complete(self) -> Mapping[str, Any]:
        if self._upload is None:
            return put_object(self._bucket, self._new, bytes(self._buffer))
        if self._buffer:
            self._send(bytes(self._buffer))
        self._sent += [part.result() for part in self._sending]
        return self._upload.complete(self._sent)
