"""Large objects of S3 in parallel parts, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from s3transfer.futures import TransferFuture
from s3transfer.manager import TransferConfig, TransferManager
from s3transfer.subscribers import BaseSubscriber
from s3transfer.utils import ReadFileChunk

from triptych.adapters.aws_errors import AWS_FAILURES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART = 16 << 20
"""Bytes of a range or part: S3 advises 8 to 16 MB."""

TRANSFER = TransferConfig(
    multipart_threshold=1,  # always by ranges: only those say which generation they are of
    multipart_chunksize=PART,
    max_request_concurrency=8,  # a fourth of the client's pool of connections
    max_io_queue_size=128,  # times 256 KB: at most 32 MB wait for the disk
    num_download_attempts=3,
)


class S3Object(NamedTuple):
    """One object of a bucket.

    Attributes:
        key: Its key.
        etag: Changes with its content.
        size: Bytes.
    """

    key: str
    etag: str
    size: int


def download(client: S3Client, bucket: str, files: Mapping[Path, S3Object]) -> None:
    """Downloads objects to files, all at once, each in parallel ranges of the known generation.

    Raises:
        ClientError: S3 refuses; `PreconditionFailed` or `NoSuchKey` where an object is not what it was.
        S3DownloadFailedError: An object is not what it was.
        BotoCoreError: S3 cannot be reached.
        OSError: A file cannot be written.
    """
    with TransferManager(client, TRANSFER) as transfers:
        downloads = [
            transfers.download(bucket, wanted.key, str(path), subscribers=[_Known(wanted)])
            for path, wanted in files.items()
        ]
        for transfer in downloads:
            transfer.result()


def upload_once(client: S3Client, bucket: str, key: str, path: Path, **described: Any) -> None:  # noqa: ANN401 - of S3
    """Uploads a file in parallel parts, unless the object is there when all of them are.

    s3transfer cannot complete an upload on a condition.

    Args:
        client: Calls S3.
        bucket: Name of the bucket.
        key: Key of the object.
        path: The file.
        described: Further parameters of CreateMultipartUpload.

    Raises:
        ClientError: S3 refuses; `PreconditionFailed` where the object is there.
        BotoCoreError: S3 cannot be reached.
        OSError: The file cannot be read.
    """
    begun = client.create_multipart_upload(Bucket=bucket, Key=key, ChecksumAlgorithm="CRC32", **described)
    upload = _Upload(client, bucket, key, begun["UploadId"])
    try:
        upload.complete(upload.parts(path))
    except BaseException:
        upload.abort()
        raise


class _Upload(NamedTuple):
    client: S3Client
    bucket: str
    key: str
    id: str

    def parts(self, path: Path) -> list[CompletedPartTypeDef]:
        with ThreadPoolExecutor(TRANSFER.max_request_concurrency) as pool:
            return list(pool.map(partial(self._part, path), range(0, path.stat().st_size, PART)))

    def complete(self, parts: list[CompletedPartTypeDef]) -> None:
        self.client.complete_multipart_upload(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=self.id,
            MultipartUpload={"Parts": parts},
            IfNoneMatch="*",
        )

    def abort(self) -> None:
        with suppress(*AWS_FAILURES):  # the bucket forgets what was begun and not completed, only later
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=self.id)

    def _part(self, path: Path, start: int) -> CompletedPartTypeDef:
        number = start // PART + 1
        with ReadFileChunk.from_filename(str(path), start, PART) as part:
            sent = self.client.upload_part(
                Bucket=self.bucket,
                Key=self.key,
                UploadId=self.id,
                PartNumber=number,
                Body=cast("IO[bytes]", part),
                ChecksumAlgorithm="CRC32",
            )
        return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]}


class _Known(BaseSubscriber):
    """Tells a download the size and generation that are known: no HEAD, and `If-Match` on every range."""

    def __init__(self, wanted: S3Object) -> None:
        self._wanted = wanted

    def on_queued(self, future: TransferFuture, **_: Any) -> None:  # noqa: ANN401 - the signature of s3transfer
        """Completes what is known of the object before the first request."""
        future.meta.provide_transfer_size(self._wanted.size)
        future.meta.provide_object_etag(self._wanted.etag)
