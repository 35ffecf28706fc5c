"""A file of a batch, the chunks that it is cut into, and the parts that are made of them.

Chunks travel in messages of Step Functions, which takes 256 KiB. A long header of a wide file is therefore an
object in the bucket for work, named by its digest, however many chunks and parts refer to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from triptych.aws.bucket import Bucket
from triptych.aws.objects import StoredObject
from triptych.batches.keys import header_key
from triptych.errors import BadRequest, ServiceUnavailable
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure
from triptych.lifecycle.store import plain, record_of
from triptych.protocol.json_document import dump
from triptych.rows.formats import RowFormat
from triptych.rows.options import BatchOptions


class InputFile(NamedTuple):
    """A file that is to be transformed, and how.

    Attributes:
        number: Which of its batch it is, from 0.
        etag: Changes with its content.
        object_version: Its version in the bucket; None where the bucket keeps none.
        version: Number of the model's version: all chunks are run with the same.
        options: Its options; only `outputs` and `key` may be None.
    """

    number: int
    key: str
    size: int
    etag: str
    object_version: str | None
    model: str
    version: int
    form: RowFormat
    options: BatchOptions
    answer: RowFormat

    @property
    def stored(self) -> StoredObject:
        """The object that it is."""
        return StoredObject(self.key, self.size, self.etag, self.object_version, modified=0)


class Chunk(NamedTuple):
    """Consecutive records of a file, for one worker.

    Positions are bytes of the plain text for CSV and JSON Lines, and numbers of rows (from 0) for all others.

    Attributes:
        number: Which of its file it is, from 0.
        head: What a reader must know of the beginning of the file: the header row of CSV with its newline
            (empty when there is none), the header of .npy; Latin-1 decoded, as it travels in JSON.
            Empty as well where `head_object` says where it is.
        staged: Key of a plain copy of just this chunk in the bucket for work; None when it is read from the
            file itself. A copy begins with the first record of the chunk: its byte 0 is position `start`.
        head_object: Key of a long head in the bucket for work; None where `head` is all of it.
    """

    file: InputFile
    number: int
    start: int
    end: int
    head: str = ""
    only: bool = False
    staged: str | None = None
    head_object: str | None = None


class Part(NamedTuple):
    """The output of a chunk, or of the beginning of what was left of it.

    Parts of a file follow each other without a gap: each begins where the one before ended.

    Attributes:
        last: Whether it ends where its chunk ends.
        output: Key of its rows in the bucket for work; None when there are none.
        errors: Key of its failed records, numbered from 1 within the part; None when there are none.
        columns: Names of the columns of the output; none where `columns_object` says where they are.
        layout: What all parts must have in common beside the columns, such as the type of .npy.
        peak_bytes: Most memory that the process had by then.
        columns_object: Key of a long list of columns in the bucket for work; None where `columns` are all.
    """

    file: int
    chunk: int
    last: bool
    start: int
    end: int
    counts: Counts
    output: str | None
    output_size: int
    errors: str | None
    columns: tuple[str, ...]
    layout: str
    milliseconds: int
    run_milliseconds: int
    peak_bytes: int
    version: int = 0
    columns_object: str | None = None


class Join(NamedTuple):
    """A file whose parts are to be joined, which begin at `start` and end at `end`."""

    file: InputFile
    start: int
    end: int


class FileOutcome(NamedTuple):
    """How the transformation of a file ended: the keys of what was made, and why it failed as a whole."""

    number: int
    key: str
    counts: Counts
    output: str | None
    errors: str | None
    manifest: str
    error: Failure | None = None


def encode(record: Chunk | Join) -> dict[str, Any]:
    """Returns the JSON object that `decode` reads."""
    return plain(record)


def decode[Record: NamedTuple](kind: type[Record], described: object) -> Record:
    """Reads a record that `encode` wrote; raises `BadRequest` if it is no such record."""
    try:
        return record_of(kind, described)
    except (ValueError, TypeError) as error:
        raise BadRequest(f"the message of the state machine cannot be read: {error}") from error


INLINE: Final = 1024
"""Characters of a header that travel with each chunk and part: a plan lists up to 10,000 chunks of a file."""


def without_long_head(work: Bucket, batch_id: str, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
    """Moves a long head out of the chunks of one file, which have the same."""
    if not chunks or len(chunks[0].head) <= INLINE:
        return chunks
    key = _stored(work, batch_id, chunks[0].head.encode("latin-1"))
    return [chunk._replace(head="", head_object=key) for chunk in chunks]


def head_of(work: Bucket, chunk: Chunk) -> bytes:
    """Returns the head of a chunk; raises `ServiceUnavailable` when its object is gone."""
    return _header(work, chunk.head_object) if chunk.head_object else chunk.head.encode("latin-1")


def without_long_columns(work: Bucket, batch_id: str, part: Part) -> Part:
    """Moves a long list of columns out of a part."""
    if sum(map(len, part.columns)) <= INLINE:
        return part
    return part._replace(columns=(), columns_object=_stored(work, batch_id, dump(part.columns)))


def with_columns(work: Bucket, parts: Sequence[Part]) -> list[Part]:
    """Returns parts with their columns; raises `ServiceUnavailable` when an object of columns is gone."""
    keys = {part.columns_object for part in parts}
    known = {key: tuple(orjson.loads(_header(work, key))) for key in keys if key is not None}
    return [
        part._replace(columns=known[part.columns_object] if part.columns_object else part.columns)
        for part in parts
    ]


def _stored(work: Bucket, batch_id: str, header: bytes) -> str:
    key = header_key(batch_id, sha256(header).hexdigest())
    work.put(key, header, "application/octet-stream")
    return key


def _header(work: Bucket, key: str) -> bytes:
    header = work.get(key)
    if header is None:
        raise ServiceUnavailable("the header of the file is gone from the bucket for work; redrive the batch")
    return header
