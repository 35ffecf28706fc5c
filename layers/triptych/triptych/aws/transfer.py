"""Large objects of S3 in parallel parts, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from s3transfer.futures import TransferFuture
from s3transfer.manager import TransferConfig, TransferManager
from s3transfer.subscribers import BaseSubscriber
from s3transfer.utils import ReadFileChunk

from triptych.aws.joining import Multipart

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
    upload = Multipart.begin(client, bucket, key, **described)
    try:
        upload.complete(_parts(upload, path), IfNoneMatch="*")
    except BaseException:
        upload.abort()
        raise


def _parts(upload: Multipart, path: Path) -> list[CompletedPartTypeDef]:
    with ThreadPoolExecutor(TRANSFER.max_request_concurrency) as pool:
        return list(pool.map(partial(_part, upload, path), range(0, path.stat().st_size, PART)))


def _part(upload: Multipart, path: Path, start: int) -> CompletedPartTypeDef:
    with ReadFileChunk.from_filename(str(path), start, PART) as part:
        return upload.send(start // PART + 1, cast("IO[bytes]", part))


class _Known(BaseSubscriber):
    """Tells a download the size and generation that are known: no HEAD, and `If-Match` on every range."""

    def __init__(self, wanted: S3Object) -> None:
        self._wanted = wanted

    def on_queued(self, future: TransferFuture, **_: Any) -> None:  # noqa: ANN401 - the signature of s3transfer
        """Completes what is known of the object before the first request."""
        future.meta.provide_transfer_size(self._wanted.size)
        future.meta.provide_object_etag(self._wanted.etag)
