"""A bucket of S3 whose objects are read and written as streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from triptych.aws.clients import AwsClients, error_code, reaching
from triptych.aws.joining import S3Joining
from triptych.aws.object_reader import S3ObjectReader
from triptych.aws.object_writer import S3ObjectWriter
from triptych.aws.s3_errors import STORE
from triptych.aws.stored import Bucket, StoredObject, listed, looked_up

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

URL_SECONDS = 900
_MISSING = {"404", "NoSuchKey", "NoSuchVersion"}
_GONE = _MISSING | {"405", "MethodNotAllowed"}  # as S3 tells a version that marks a deletion
_EXISTS = {"412", "PreconditionFailed"}


class S3Objects:
    """A bucket. Every method raises `ServiceUnavailable` when S3 cannot be reached.

    Args:
        clients: Calls AWS.
        name: Name of the bucket.
        scratch: Directory of local copies.
    """

    def __init__(self, clients: AwsClients, name: str, scratch: Path) -> None:
        self._clients = clients
        self._name = name
        self._scratch = scratch

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def _client(self) -> S3Client:
        return self._clients.bulk_s3

    def find(self, key: str, version: str | None = None) -> StoredObject | None:
        """Looks an object up; None when there is none. One that may not be seen is no such: that is told."""
        known: Any = {} if version is None else {"VersionId": version}
        with reaching(STORE):
            try:
                found = self._client.head_object(Bucket=self._name, Key=key, **known)
            except ClientError as error:
                _expect(_GONE, error)
                return None
        return looked_up(key, found)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Lists objects by key, with one request for each thousand; their versions are not told."""
        with reaching(STORE):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
            for page in pages:
                yield from map(listed, page.get("Contents", []))

    def open(self, found: StoredObject) -> S3ObjectReader:
        """Opens an object for reading."""
        return S3ObjectReader(self._client, self._name, found, self._scratch)

    def create(self, key: str, content_type: str) -> S3ObjectWriter:
        """Begins an object, which replaces one with its key when it is closed."""
        return S3ObjectWriter(self._client, self._name, key, content_type)

    def put(self, key: str, body: bytes, content_type: str, *, once: bool = False) -> bool:
        """Writes a small object.

        Args:
            key: Its key.
            body: Its bytes.
            content_type: What they are.
            once: Whether one that is there stays as it is. It may be this one, when the answer to a first
                try was lost.

        Returns:
            Whether it was written.
        """
        condition: Any = {"IfNoneMatch": "*"} if once else {}
        with reaching(STORE):
            try:
                self._client.put_object(
                    Bucket=self._name, Key=key, Body=body, ContentType=content_type, **condition
                )
            except ClientError as error:
                _expect(_EXISTS, error)
                return False
        return True

    def get(self, key: str) -> bytes | None:
        """Reads a small object; None when there is none."""
        with reaching(STORE):
            try:
                return self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
            except ClientError as error:
                _expect(_MISSING, error)
                return None

    def join(
        self, key: str, pieces: Sequence[bytes | StoredObject], source: Bucket, content_type: str
    ) -> StoredObject:
        """Makes one object of pieces in order; large ones are copied within S3.

        Args:
            key: Key of the new object.
            pieces: Bytes, and objects of the source.
            source: Bucket of those objects.
            content_type: What the whole is.

        Raises:
            Conflict: A piece was replaced or removed.
        """
        return S3Joining(self._client, self._name, key, pieces, source).run(content_type)

    def delete(self, key: str) -> None:
        """Deletes an object, if there is one."""
        with reaching(STORE):
            self._client.delete_object(Bucket=self._name, Key=key)

    def url(self, key: str) -> str:
        """Makes a URL that gives the object to anybody who has it, for a quarter of an hour."""
        with reaching(STORE):
            return self._clients.presigner.generate_presigned_url(
                "get_object", Params={"Bucket": self._name, "Key": key}, ExpiresIn=URL_SECONDS
            )


def _expect(codes: set[str], error: ClientError) -> None:
    """Raises the error again, but for these codes."""
    if error_code(error) not in codes:
        raise error
