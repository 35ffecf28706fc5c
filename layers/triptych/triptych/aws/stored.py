"""Objects of buckets, read and written as streams.

Every method raises `ServiceUnavailable` when the bucket cannot be reached.

What S3 tells of an object.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class StoredObject(NamedTuple):
    """An object that is there.

    Attributes:
        key: Its key.
        size: Bytes.
        etag: Changes with its content; without quotes.
        version: Its version; None where the bucket keeps none.
        modified: When it was written, in milliseconds since 1970.
        metadata: What its writer said about it, by names in lower case; empty in lists.
    """

    key: str
    size: int
    etag: str
    version: str | None
    modified: int
    metadata: Mapping[str, str] = {}


class ByteRange(NamedTuple):
    """Bytes of an object.

    Attributes:
        start: The first.
        stop: The one after the last.
    """

    start: int
    stop: int


class ObjectReader(Protocol):
    """Reads one object; always the same generation of it.

    Every method raises `Conflict` where the object was replaced or removed since it was looked up.
    """

    @property
    def size(self) -> int:
        """Bytes of the object."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """Reads some bytes."""
        ...

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Reads some bytes in blocks of some megabytes, the next ones while one is dealt with."""
        ...

    def local(self, ranges: Sequence[ByteRange] | None = None) -> AbstractContextManager[Path]:
        """Gives a file of the object's size that holds at least these bytes where they belong.

        Without ranges it holds all of them.

        What it does not hold takes no room on the disk.

        Raises:
            PayloadTooLarge: The disk is too small.
        """
        ...


class ObjectWriter(Protocol):
    """Writes one object, which is there only when it is closed."""

    def write(self, data: bytes, /) -> int:
        """Adds bytes, and sends while the next ones are made.

        Returns:
            How many they are.
        """
        ...

    def close(self) -> StoredObject:
        """Makes the object visible."""
        ...

    def abort(self) -> None:
        """Forgets what was written; nothing is done when the object is there already."""
        ...


class Bucket(Protocol):
    """A bucket."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def find(self, key: str, version: str | None = None) -> StoredObject | None:
        """Looks an object up; None when there is none."""
        ...

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Lists objects by key, in the order of keys."""
        ...

    def open(self, found: StoredObject) -> ObjectReader:
        """Opens an object for reading."""
        ...

    def create(self, key: str, content_type: str) -> ObjectWriter:
        """Begins an object, which replaces one with its key when it is closed."""
        ...

    def put(self, key: str, body: bytes, content_type: str, *, once: bool = False) -> bool:
        """Writes a small object.

        Args:
            key: Its key.
            body: Its bytes.
            content_type: What they are.
            once: Whether one that is there stays as it is.

        Returns:
            Whether it was written.
        """
        ...

    def get(self, key: str) -> bytes | None:
        """Reads a small object; None when there is none."""
        ...

    def join(
        self, key: str, pieces: Sequence[bytes | StoredObject], source: Bucket, content_type: str
    ) -> StoredObject:
        """Makes one object of pieces in order; large ones are copied within the store, not through here.

        Args:
            key: Key of the new object.
            pieces: Bytes, and objects of the source.
            source: Bucket of those objects.
            content_type: What the whole is.
        """
        ...

    def delete(self, key: str) -> None:
        """Deletes an object, if there is one."""
        ...

    def url(self, key: str) -> str:
        """Makes a URL that gives the object to anybody who has it, for a while."""
        ...


_UNVERSIONED = "null"  # whatever was written while the bucket keeps no versions: it tells no two apart


def looked_up(key: str, answer: Mapping[str, Any]) -> StoredObject:
    """Reads the answer of HeadObject."""
    return StoredObject(
        key=key,
        size=answer["ContentLength"],
        etag=_etag(answer),
        version=_version(answer),
        modified=_modified(answer),
        metadata={name.lower(): value for name, value in answer["Metadata"].items()},
    )


def listed(found: Mapping[str, Any]) -> StoredObject:
    """Reads an entry of ListObjectsV2, which tells neither version nor metadata."""
    return StoredObject(found["Key"], found["Size"], _etag(found), None, _modified(found))


def written(key: str, size: int, answer: Mapping[str, Any]) -> StoredObject:
    """Reads the answer of PutObject or CompleteMultipartUpload, which tells no time: it is now.

    Args:
        key: Key of the object.
        size: Its bytes.
        answer: What S3 answered.
    """
    return StoredObject(key, size, _etag(answer), _version(answer), time.time_ns() // 1_000_000)


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def _version(answer: Mapping[str, Any]) -> str | None:
    version = answer.get("VersionId")
    return None if version == _UNVERSIONED else version


def _modified(answer: Mapping[str, Any]) -> int:
    modified: datetime = answer["LastModified"]
    return round(modified.timestamp() * 1000)
