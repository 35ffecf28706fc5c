"""Objects of S3 made of pieces: large pieces are copied within S3, small ones pass through memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from triptych.adapters.ahead import ahead
from triptych.adapters.s3_join_plan import Part, Slice, plan
from triptych.adapters.s3_multipart import MIN_PART, Multipart
from triptych.adapters.s3_object_errors import known_generation
from triptych.adapters.s3_stored import written
from triptych.interfaces.objects import Bucket, ByteRange, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef

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
