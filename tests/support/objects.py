"""A bucket that is a directory: every object is a file for its content and one for what is known of it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from triptych.aws.bucket import Bucket
from triptych.aws.objects import ObjectReader, StoredObject
from triptych.aws.uploads import ObjectWriter
from triptych.errors import Conflict

from tests.support.file_reader import FileReader


class FileObject(FileReader, ObjectReader):
    """Reads an object, which is a file."""


class FileWriter(ObjectWriter):
    """Writes one object, which is there when it is closed."""

    def __init__(self, bucket: "DirectoryBucket", key: str) -> None:
        self._target = bucket
        self._key = key
        self._data = bytearray()
        self._open = True
        bucket.unfinished.append(key)

    def write(self, data: bytes, /) -> int:
        """Adds bytes."""
        assert self._open, "what was closed or aborted is written no more"
        self._data += data
        return len(data)

    def close(self) -> StoredObject:
        """Makes the object visible."""
        assert self._open
        self.abort()
        return self._target.drop(self._key, bytes(self._data))

    def abort(self) -> None:
        """Forgets what was written."""
        if self._open:
            self._target.unfinished.remove(self._key)
        self._open = False


class DirectoryBucket(Bucket):
    """Keeps objects in a directory, all versions of them.

    Args:
        directory: Where.
        name: Name of the bucket.
        block: Bytes that readers read at once.

    Attributes:
        unfinished: Keys of the objects that were begun, and neither closed nor aborted.
    """

    def __init__(self, directory: Path, name: str = "bucket", block: int = 2**20) -> None:
        self._directory = directory
        self.name = name
        self._block = block
        self._versions = count(1)
        self.unfinished: list[str] = []
        self._latest: dict[str, StoredObject] = {}
        self._all: dict[tuple[str, str | None], StoredObject] = {}
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def keys(self) -> list[str]:
        """Keys of all objects."""
        return sorted(self._latest)

    def drop(self, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> StoredObject:
        """Writes an object as its owner would, with metadata."""
        number = next(self._versions)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        stored = StoredObject(key, len(body), etag, str(number), 1_700_000_000_000 + number, metadata or {})
        self._path(stored).write_bytes(body)
        self._latest[key] = self._all[key, stored.version] = stored
        return stored

    def find(self, key: str, version: str | None = None) -> StoredObject | None:
        """Looks an object up."""
        return self._latest.get(key) if version is None else self._all.get((key, version))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Lists objects in the order of keys; their metadata is not told."""
        for key in self.keys:
            if key.startswith(prefix):
                yield self._latest[key]._replace(metadata={})

    def fetch(self, key: str, limit: int) -> tuple[StoredObject, bytes | None]:
        """Reads an object that has so many bytes at most."""
        found, content = self._latest.get(key), self.get(key)
        if found is None:
            raise Conflict("the file was replaced or removed")
        return found, content if found.size <= limit else None

    def open(self, found: StoredObject) -> ObjectReader:
        """Opens an object."""
        return FileObject(self._path(found), self._block)

    def create(self, key: str, content_type: str) -> FileWriter:
        """Begins an object."""
        assert content_type
        return FileWriter(self, key)

    def put(
        self,
        key: str,
        body: bytes | Path,
        content_type: str,
        *,
        once: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """Writes an object."""
        assert content_type
        if once and key in self._latest:
            return False
        self.drop(key, body if isinstance(body, bytes) else body.read_bytes(), metadata)
        return True

    def get(self, key: str) -> bytes | None:
        """Reads an object."""
        found = self._latest.get(key)
        return None if found is None else self._path(found).read_bytes()

    def join(
        self, key: str, pieces: Sequence[bytes | StoredObject], source: Bucket, content_type: str
    ) -> StoredObject:
        """Makes one object of pieces in order."""
        assert content_type
        return self.drop(key, b"".join(_content(piece, source) for piece in pieces))

    def delete(self, key: str) -> None:
        """Deletes an object; its versions stay."""
        self._latest.pop(key, None)

    def url(self, key: str, content_type: str | None = None, seconds: int = 900) -> str:
        """Makes a URL."""
        assert (content_type, seconds) == (None, 900)
        return f"https://{self.name}.test/{key}?signed"

    def _path(self, stored: StoredObject) -> Path:
        return self._directory / f"{stored.version}-{stored.etag}"


def _content(piece: bytes | StoredObject, source: Bucket) -> bytes:
    return piece if isinstance(piece, bytes) else source.open(piece).read(0, piece.size)
