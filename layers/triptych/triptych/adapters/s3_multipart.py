"""Uploads to S3 in parts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from triptych.adapters.aws_errors import AWS_FAILURES
from triptych.interfaces.objects import ByteRange

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
