"""A bucket, read only: listings, small texts, downloads in parallel ranges. Imports boto3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.config import Config
from s3transfer.futures import TransferFuture
from s3transfer.manager import TransferConfig, TransferManager
from s3transfer.subscribers import BaseSubscriber

from triptych.adapters.s3_errors import s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CLIENT = Config(
    connect_timeout=2,  # seconds; S3 in the same region answers in milliseconds
    read_timeout=5,  # seconds between bytes
    retries={"mode": "standard", "total_max_attempts": 3},  # about 16 s in all: inside the 28 s of a request
)
TRANSFER = TransferConfig(
    multipart_threshold=1,  # always by ranges: only those say which generation they are of
    multipart_chunksize=16 << 20,  # bytes; S3 advises 8 to 16 MB a range
    max_request_concurrency=8,  # below the client's pool of 10 connections
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


def s3_client() -> S3Client:
    """Makes a client whose patience suits a request that people wait for.

    Raises:
        RepositoryUnavailable: The environment's settings for AWS are not usable.
    """
    with s3_errors():
        return boto3.client("s3", config=CLIENT)


class S3Bucket:
    """Reads a bucket; every failure becomes an error that names neither bucket nor key.

    Args:
        name: Name of the bucket.
        client: Calls S3.
    """

    def __init__(self, name: str, client: S3Client) -> None:
        self._name = name
        self._client = client

    def folders(self, prefix: str) -> Sequence[str]:
        """Lists the folders right below a prefix, without slashes.

        Raises:
            RepositoryUnavailable: The bucket cannot be read now.
        """
        with s3_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=prefix, Delimiter="/"
            )
            found = [folder.get("Prefix", "") for page in pages for folder in page.get("CommonPrefixes", [])]
            return [folder[len(prefix) : -1] for folder in found]

    def objects(self, prefix: str) -> Sequence[S3Object]:
        """Lists all objects below a prefix.

        Raises:
            RepositoryUnavailable: The bucket cannot be read now.
        """
        with s3_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
            return [
                S3Object(found.get("Key", ""), found.get("ETag", ""), found.get("Size", 0))
                for page in pages
                for found in page.get("Contents", [])
            ]

    def read(self, key: str) -> bytes | None:
        """Reads a small object; None when there is none.

        Raises:
            RepositoryUnavailable: The bucket cannot be read now.
        """
        with s3_errors():
            try:
                return self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None

    def download(self, files: Mapping[Path, S3Object]) -> None:
        """Downloads objects to files, all at once, each in parallel ranges of the listed generation.

        Raises:
            ModelUnavailable: An object was changed or removed since it was listed.
            RepositoryUnavailable: The bucket cannot be read now.
            OSError: A file cannot be written.
        """
        with s3_errors(), TransferManager(self._client, TRANSFER) as transfers:
            downloads = [
                transfers.download(self._name, wanted.key, str(path), subscribers=[_Listed(wanted)])
                for path, wanted in files.items()
            ]
            for download in downloads:
                download.result()


class _Listed(BaseSubscriber):
    """Tells a download the size and generation that were listed: no HEAD, and `If-Match` on every range."""

    def __init__(self, wanted: S3Object) -> None:
        self._wanted = wanted

    def on_queued(self, future: TransferFuture, **_: Any) -> None:  # noqa: ANN401 - the signature of s3transfer
        """Completes what is known of the object before the first request."""
        future.meta.provide_transfer_size(self._wanted.size)
        future.meta.provide_object_etag(self._wanted.etag)
