"""A bucket, read only: listings, small texts, downloads in parallel ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from triptych.adapters import aws_clients
from triptych.adapters.s3_errors import s3_errors
from triptych.adapters.s3_transfer import S3Object, download

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def s3_client() -> S3Client:
    """Makes a client of S3.

    Raises:
        RepositoryUnavailable: The environment's settings for AWS are not usable.
    """
    with s3_errors():
        return aws_clients.s3_client()


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
        with s3_errors():
            download(self._client, self._name, files)
