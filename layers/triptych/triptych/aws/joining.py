"""Uploads to S3 in parts.

How pieces of any size become the parts of one upload.

S3 takes 10,000 parts at most, each of 5 MiB to 5 GiB, but the last, which may be small.

Objects of S3 made of pieces: large pieces are copied within S3, small ones pass through memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from triptych.aws.ahead import ahead
from triptych.aws.clients import AWS_FAILURES
from triptych.aws.s3_errors import known_generation
from triptych.aws.stored import Bucket, ByteRange, StoredObject, written

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        CompleteMultipartUploadOutputTypeDef,
        CopySourceTypeDef,
    )

MIN_PART = 5 << 20
"""Bytes that every part but the last has at least; S3 refuses smaller ones."""


class Multipart(NamedTuple):
    """An upload that was begun.

    Methods but `abort` raise `ClientError` when S3 refuses, and `BotoCoreError` when it cannot be reached.

    Attributes:
        client: Calls S3.
        bucket: Name of the bucket.
        key: Key of the object.
        id: S3's id of the upload.
    """

    client: S3Client
    bucket: str
    key: str
    id: str

    @classmethod
    def begin(cls, client: S3Client, bucket: str, key: str, **described: Any) -> Multipart:  # noqa: ANN401 - of S3
        """Begins an upload, whose parts are checked by their CRC32.

        Args:
            client: Calls S3.
            bucket: Name of the bucket.
            key: Key of the object.
            described: Further parameters of CreateMultipartUpload.
        """
        begun = client.create_multipart_upload(Bucket=bucket, Key=key, ChecksumAlgorithm="CRC32", **described)
        return cls(client, bucket, key, begun["UploadId"])

    def send(self, number: int, body: bytes | IO[bytes]) -> CompletedPartTypeDef:
        """Sends a part; numbers begin with 1."""
        sent = self.client.upload_part(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=self.id,
            PartNumber=number,
            Body=body,
            ChecksumAlgorithm="CRC32",
        )
        return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]}

    def copy(
        self, number: int, source: CopySourceTypeDef, etag: str, span: ByteRange | None
    ) -> CompletedPartTypeDef:
        """Takes a part from another object, within S3.

        Args:
            number: Number of the part.
            source: The other object.
            etag: Its generation.
            span: Which of its bytes, where it has more than 5 MiB; None for all of them.
        """
        ranged: Any = {"CopySourceRange": f"bytes={span.start}-{span.stop - 1}"} if span else {}
        answer = self.client.upload_part_copy(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=self.id,
            PartNumber=number,
            CopySource=source,
            CopySourceIfMatch=etag,
            **ranged,
        )
        copied = answer["CopyPartResult"]
        part: CompletedPartTypeDef = {"PartNumber": number, "ETag": copied.get("ETag", "")}
        checksum = copied.get("ChecksumCRC32")
        return {**part, "ChecksumCRC32": checksum} if checksum else part

    def complete(
        self,
        parts: Sequence[CompletedPartTypeDef],
        **condition: Any,  # noqa: ANN401 - of S3
    ) -> CompleteMultipartUploadOutputTypeDef:
        """Makes the object of its parts, in the order of numbers.

        Args:
            parts: What was sent and copied.
            condition: On what, such as `IfNoneMatch`.
        """
        return self.client.complete_multipart_upload(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=self.id,
            MultipartUpload={"Parts": parts},
            **condition,
        )

    def abort(self) -> None:
        """Forgets the parts; where that fails, the bucket's lifecycle forgets them later."""
        with suppress(*AWS_FAILURES):
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=self.id)


MAX_COPY = 512 << 20
"""Bytes of a part that S3 copies, where few enough of them make the whole: more parts are copied at once."""

MAX_PARTS = 9_000
"""Parts that the pieces are cut into at most; S3 takes some more."""


class Slice(NamedTuple):
    """Bytes of a piece.

    Attributes:
        piece: Which, from 0.
        start: The first byte.
        stop: The one after the last.
    """

    piece: int
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.stop - self.start


type Part = Sequence[Slice]
"""Slices that follow each other; one alone of at least `MIN_PART` bytes can be copied."""


def plan(sizes: Sequence[int], least: int | None = None) -> Iterator[Part]:
    """Cuts pieces into parts that hold all of their bytes in order.

    Args:
        sizes: Bytes of the pieces.
        least: Bytes that every part but the last has; by default as few as S3 takes.

    Yields:
        Parts, none of them empty.
    """
    least = max(MIN_PART, -(-sum(sizes) // MAX_PARTS)) if least is None else least
    gathered: list[Slice] = []
    for piece, size in enumerate(sizes):
        lacking = least - sum(taken.size for taken in gathered) if gathered else 0
        taken = min(lacking, size)
        gathered += _slices(piece, 0, taken, 1)
        if gathered and taken == lacking:
            yield gathered
            gathered = []
        if size - taken >= least:
            large = max(MAX_COPY, 2 * least)  # so that halves of what is a little more are not too small
            for alone in _slices(piece, taken, size, -(-(size - taken) // large)):
                yield [alone]
        else:
            gathered += _slices(piece, taken, size, 1)
    if gathered:
        yield gathered


def _slices(piece: int, start: int, stop: int, count: int) -> list[Slice]:
    """Cuts bytes of a piece into slices of about the same size; none where there are no bytes."""
    bounds = [start + (stop - start) * number // count for number in range(count + 1)]
    return [Slice(piece, first, last) for first, last in pairwise(bounds) if first < last]


THREADS = 8
"""Parts that are made at once."""


class S3Joining(NamedTuple):
    """One object to be made of pieces.

    Attributes:
        client: Calls S3.
        bucket: Name of its bucket.
        key: Its key.
        pieces: Bytes, and objects of the source, in order.
        source: Bucket of those objects.
    """

    client: S3Client
    bucket: str
    key: str
    pieces: Sequence[bytes | StoredObject]
    source: Bucket

    def run(self, content_type: str) -> StoredObject:
        """Makes the object.

        Args:
            content_type: What the whole is.

        Raises:
            Conflict: A piece was replaced or removed.
            ServiceUnavailable: S3 cannot be reached.
        """
        sizes = [len(piece) if isinstance(piece, bytes) else piece.size for piece in self.pieces]
        parts = list(plan(sizes))
        whole = sum(sizes) < MIN_PART
        with known_generation():
            answer = self._put(parts, content_type) if whole else self._upload(parts, content_type)
        return written(self.key, sum(sizes), answer)

    def _put(self, parts: Sequence[Part], content_type: str) -> Mapping[str, Any]:
        return self.client.put_object(
            Bucket=self.bucket,
            Key=self.key,
            Body=b"".join(self._gathered(part) for part in parts),
            ContentType=content_type,
            ChecksumAlgorithm="CRC32",
        )

    def _upload(self, parts: Sequence[Part], content_type: str) -> Mapping[str, Any]:
        upload = Multipart.begin(self.client, self.bucket, self.key, ContentType=content_type)

        def make(numbered: tuple[int, Part]) -> CompletedPartTypeDef:
            return self._part(upload, *numbered)

        try:
            return upload.complete(list(ahead(make, enumerate(parts, 1), THREADS)))
        except BaseException:
            upload.abort()
            raise

    def _part(self, upload: Multipart, number: int, part: Part) -> CompletedPartTypeDef:
        alone = part[0]
        piece = self.pieces[alone.piece]
        if len(part) > 1 or alone.size < MIN_PART or isinstance(piece, bytes):
            return upload.send(number, self._gathered(part))
        span = None if alone.size == piece.size else ByteRange(alone.start, alone.stop)
        return upload.copy(number, self._address(piece), f'"{piece.etag}"', span)

    def _gathered(self, part: Part) -> bytes:
        return b"".join(map(self._content, part))

    def _content(self, wanted: Slice) -> bytes:
        piece = self.pieces[wanted.piece]
        if isinstance(piece, bytes):
            return piece[wanted.start : wanted.stop]
        return self.source.open(piece).read(wanted.start, wanted.stop)

    def _address(self, piece: StoredObject) -> CopySourceTypeDef:
        address: CopySourceTypeDef = {"Bucket": self.source.name, "Key": piece.key}
        return address if piece.version is None else {**address, "VersionId": piece.version}
