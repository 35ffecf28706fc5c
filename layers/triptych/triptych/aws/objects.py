"""Objects of S3 in one generation, read in ranges of which several come at once."""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from triptych.errors import PayloadTooLarge

if TYPE_CHECKING:
    from botocore.response import StreamingBody

    from triptych.aws.clients import BucketClient


BLOCK = 8 << 20
"""Bytes of a range that is held in memory: S3 advises 8 to 16 MB."""

THREADS = 4
"""Ranges that are read at once: with the one in use, 40 MiB of them are held at most."""

FILE_BLOCK = 16 << 20
"""Bytes of a range that goes to the disk."""

FILE_THREADS = 8
"""Ranges that are written to files at once: a fourth of boto3's pool of connections."""

CHUNK = 1 << 20
"""Bytes of an answer that are held on their way to the disk."""

TRIES = 4
"""How often a range is asked for: clients of S3 do not try again where an answer breaks off."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_UNVERSIONED = "null"  # the version of all that is written while the bucket has no versioning


type WriteRange = Callable[[BinaryIO, StoredObject, range], object]


class StoredObject(NamedTuple):
    """One generation of an object.

    Attributes:
        etag: Changes with its content; without quotes.
        version: Its version; None where the bucket has no versioning, and in lists.
        modified: When it was written, in milliseconds since 1970.
        metadata: Metadata of its writer, by names in lower case; empty in lists.
        content_encoding: How it is compressed; None when it is not, and in lists.
    """

    key: str
    size: int
    etag: str
    version: str | None
    modified: int
    metadata: Mapping[str, str] = {}
    content_type: str | None = None
    content_encoding: str | None = None


class NewObject(NamedTuple):
    """An object that is to be written; with `once`, one that is there already stays as it is."""

    key: str
    content_type: str
    metadata: Mapping[str, str] = {}
    once: bool = False

    @property
    def described(self) -> Any:  # noqa: ANN401 - parameters of S3
        """Parameters of PutObject and CreateMultipartUpload that describe it."""
        return {"Key": self.key, "ContentType": self.content_type, "Metadata": dict(self.metadata)}

    @property
    def condition(self) -> Any:  # noqa: ANN401 - parameters of S3
        """Condition of PutObject and CompleteMultipartUpload."""
        return {"IfNoneMatch": "*"} if self.once else {}


def looked_up(key: str, answer: Mapping[str, Any]) -> StoredObject:
    """Reads the answer of HeadObject or GetObject."""
    return StoredObject(
        key=key,
        size=answer["ContentLength"],
        etag=_etag(answer),
        version=_version(answer),
        modified=_modified(answer),
        metadata={name.lower(): value for name, value in answer["Metadata"].items()},
        content_type=answer.get("ContentType"),
        content_encoding=answer.get("ContentEncoding"),
    )


def listed(entry: Mapping[str, Any]) -> StoredObject:
    """Reads an entry of ListObjectsV2."""
    return StoredObject(entry["Key"], entry["Size"], _etag(entry), None, _modified(entry))


def written(new: NewObject, size: int, answer: Mapping[str, Any]) -> StoredObject:
    """Reads the answer of PutObject or CompleteMultipartUpload, which has no time: it is now."""
    modified = time.time_ns() // 1_000_000
    return StoredObject(
        new.key, size, _etag(answer), _version(answer), modified, new.metadata, new.content_type
    )


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def _version(answer: Mapping[str, Any]) -> str | None:
    version = answer.get("VersionId")
    return None if version == _UNVERSIONED else version


def _modified(answer: Mapping[str, Any]) -> int:
    modified: datetime = answer["LastModified"]
    return round(modified.timestamp() * 1000)


class ObjectReader:
    """Reads one object; always the same generation of it.

    Every method raises `Conflict` where the object was replaced or removed since it was looked up, and
    `ServiceUnavailable` where S3 cannot be reached.
    """

    def __init__(self, bucket: BucketClient, found: StoredObject, block: int = BLOCK) -> None:
        self._bucket = bucket
        self._found = found
        self._block = block

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return self._found.size

    def read(self, start: int, stop: int) -> bytes:
        """Reads some bytes; fewer where the object ends before."""
        return self._read(range(start, min(stop, self.size)))

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Reads some bytes in blocks of some megabytes, the next ones while one is in use."""
        return ahead(self._read, _cut(range(start, min(stop, self.size)), self._block), THREADS)

    @contextmanager
    def local(self, ranges: Sequence[range] | None = None) -> Generator[Path]:
        """Copies these ranges into a file of the object's size, where they belong; None for all bytes.

        What is not copied takes no room on the disk.

        Raises:
            PayloadTooLarge: The disk is too small.
        """
        wanted = [range(self.size)] if ranges is None else ranges
        scratch = self._bucket.scratch
        scratch.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=scratch) as directory:
            path = Path(directory) / "object"
            with _room(), self._bucket.errors():
                download(writer_of(self._bucket), {path: self._found}, wanted)
            yield path

    def _read(self, span: range) -> bytes:
        if not span:
            return b""
        with self._bucket.errors():
            return _answered(self._bucket, self._found, span, lambda body: body.read())


def download(
    write: WriteRange, files: Mapping[Path, StoredObject], ranges: Sequence[range] | None = None
) -> None:
    """Downloads objects to files, all at once, in parallel ranges; when that fails, no file stays.

    Args:
        write: Writes a range of an object into a file, where it belongs.
        files: Objects by the file that they are written to.
        ranges: Which bytes of each; None for all.

    Raises:
        OSError: A file cannot be written.
    """

    def fetch(part: tuple[Path, StoredObject, range]) -> None:
        path, found, span = part
        with path.open("r+b") as file:
            write(file, found, span)

    try:
        for path, found in files.items():
            with path.open("wb") as file:
                file.truncate(found.size)
        parts = (
            (path, found, span)
            for path, found in files.items()
            for large in ([range(found.size)] if ranges is None else ranges)
            for span in _cut(large, FILE_BLOCK)
        )
        with ThreadPoolExecutor(FILE_THREADS) as pool:
            for _ in pool.map(fetch, parts):  # the first error cancels what has not started
                pass
    except BaseException:
        for path in files:
            path.unlink(missing_ok=True)
        raise


def writer_of(bucket: BucketClient) -> WriteRange:
    """Returns what writes ranges of a bucket's objects into files, of a version where it is known."""

    def write(file: BinaryIO, found: StoredObject, span: range) -> None:
        def take(body: StreamingBody) -> None:
            file.seek(span.start)
            file.writelines(body.iter_chunks(CHUNK))

        _answered(bucket, found, span, take)

    return write


def _cut(span: range, size: int) -> Iterator[range]:
    for start in range(0, len(span), size):
        yield span[start : start + size]


def _answered[R](
    bucket: BucketClient, found: StoredObject, span: range, use: Callable[[StreamingBody], R]
) -> R:
    """Asks for a range and uses the answer; again where it breaks off, which boto3 does not try again."""
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - who reads by obstore does not need it

    for _ in range(TRIES - 1):
        try:
            return _asked(bucket, found, span, use)
        except BotoCoreError:
            continue
    return _asked(bucket, found, span, use)


def _asked[R](bucket: BucketClient, found: StoredObject, span: range, use: Callable[[StreamingBody], R]) -> R:
    version: Any = {} if found.version is None else {"VersionId": found.version}
    answer = bucket.client.get_object(
        Bucket=bucket.name,
        Key=found.key,
        Range=f"bytes={span.start}-{span.stop - 1}",
        IfMatch=f'"{found.etag}"',
        **version,
    )
    with closing(answer["Body"]) as body:
        return use(body)


@contextmanager
def _room() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise PayloadTooLarge("the file does not fit on the function's disk") from error


def ahead[A, R](function: Callable[[A], R], arguments: Iterable[A], threads: int) -> Iterator[R]:
    """Calls a function for each argument in threads, the next ones while a result is in use.

    Never more results than threads wait to be taken, so memory is bounded whatever the number of arguments.

    Yields:
        The results in the order of the arguments; the first error ends it, and calls that have not started
        are not made.
    """
    left = iter(arguments)
    pool = ThreadPoolExecutor(threads)
    try:
        begun = deque(pool.submit(function, argument) for argument in islice(left, threads))
        while begun:
            result = begun.popleft().result()
            begun.extend(pool.submit(function, argument) for argument in islice(left, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)
