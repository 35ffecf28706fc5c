"""A bucket of S3: small objects at once, large ones as streams, always in one generation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from triptych.aws.clients import BucketClient
from triptych.aws.errors import except_codes
from triptych.aws.joining import join_pieces
from triptych.aws.objects import (
    NewObject,
    ObjectReader,
    StoredObject,
    download,
    listed,
    looked_up,
    writer_of,
)
from triptych.aws.uploads import ObjectWriter, put_object
from triptych.errors import Conflict

URL_SECONDS = 900
_BLOCK = 1 << 20  # bytes of a file that are read at once
_MISSING = {"404", "NoSuchKey", "NoSuchVersion"}
_GONE = _MISSING | {"405", "MethodNotAllowed"}  # the answer for a version that marks a deletion


class Bucket(BucketClient):
    """A bucket. Every method raises `ServiceUnavailable`, or what `failures` say, when S3 is out of reach."""

    def find(self, key: str, version: str | None = None) -> StoredObject | None:
        """Looks an object up; None when there is none. One that the function may not see is an error."""
        known: Any = {} if version is None else {"VersionId": version}
        with self.errors():
            try:
                found = self.client.head_object(Bucket=self.name, Key=key, **known)
            except ClientError as error:
                except_codes(_GONE, error)
                return None
        return looked_up(key, found)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Lists objects in the order of keys, with one request for each thousand."""
        with self.errors():
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            for page in pages:
                yield from map(listed, page.get("Contents", []))

    def folders(self, prefix: str) -> Iterator[str]:
        """Lists the folders right below a prefix, without slashes."""
        with self.errors():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, Delimiter="/"
            )
            for page in pages:
                for folder in page.get("CommonPrefixes", []):
                    yield folder.get("Prefix", "")[len(prefix) : -1]

    def get(self, key: str) -> bytes | None:
        """Reads a small object; None when there is none."""
        with self.errors():
            try:
                return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
            except ClientError as error:
                except_codes(_MISSING, error)
                return None

    def fetch(self, key: str, limit: int) -> tuple[StoredObject, bytes | None]:
        """Looks an object up, and reads it when it has at most `limit` bytes, by one request."""
        with self.errors():
            answer = self.client.get_object(Bucket=self.name, Key=key)
            found = looked_up(key, answer)
            with closing(answer["Body"]) as body:  # what is not read is not sent: the connection ends
                return found, body.read() if found.size <= limit else None

    def open(self, found: StoredObject) -> ObjectReader:
        """Opens an object for reading."""
        return ObjectReader(self, found)

    def download(self, files: Mapping[Path, StoredObject]) -> None:
        """Downloads objects to files, all at once, each in parallel ranges of its generation.

        Raises:
            Conflict: An object was replaced or removed.
            OSError: A file cannot be written.
        """
        with self.errors():
            download(writer_of(self), files)

    def create(self, key: str, content_type: str) -> ObjectWriter:
        """Begins an object, which replaces one with its key when it is closed."""
        return ObjectWriter(self, NewObject(key, content_type))

    def put(
        self,
        key: str,
        body: bytes | Path,
        content_type: str,
        *,
        once: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """Writes an object; returns whether it was written.

        With `once`, one that is there stays as it is. It may be this one, when the answer to a first try was
        lost.
        """
        new = NewObject(key, content_type, metadata or {}, once)
        try:
            if isinstance(body, Path):
                self._upload(new, body)
            else:
                with self.errors():
                    put_object(self, new, body)
        except Conflict:
            if not once:
                raise
            return False
        return True

    def _upload(self, new: NewObject, path: Path) -> None:
        writer = ObjectWriter(self, new)
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    writer.write(block)
            writer.close()
        finally:
            writer.abort()

    def join(
        self, key: str, pieces: Sequence[bytes | StoredObject], source: Bucket, content_type: str
    ) -> StoredObject:
        """Makes one object of bytes and objects of the source, in order; large ones are copied within S3.

        Raises:
            Conflict: A piece was replaced or removed.
        """
        return join_pieces(self, NewObject(key, content_type), pieces, source)

    def delete(self, key: str) -> None:
        """Deletes an object, if there is one."""
        with self.errors():
            self.client.delete_object(Bucket=self.name, Key=key)

    def url(self, key: str, content_type: str | None = None, seconds: int = URL_SECONDS) -> str:
        """Signs a URL that returns the object to anybody who has it, as `content_type` if that is given.

        It ends before its time when the function's credentials do.
        """
        answer = {} if content_type is None else {"ResponseContentType": content_type}
        with self.errors():
            return self._clients.presigner.generate_presigned_url(
                "get_object", {"Bucket": self.name, "Key": key, **answer}, seconds
            )

    def form(
        self, key: str, fields: Mapping[str, str], conditions: Sequence[Any], seconds: int
    ) -> tuple[str, dict[str, str]]:
        """Signs a form that uploads one object; returns where it is posted to, and fields before the file.

        Conditions are S3's POST policies. It ends before its time when the function's credentials do.
        """
        with self.errors():
            form = self._clients.presigner.generate_presigned_post(
                self.name, key, dict(fields), [*conditions], seconds
            )
        return form["url"], form["fields"]
