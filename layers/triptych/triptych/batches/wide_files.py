"""Headers of wide files, kept in the bucket for work: Step Functions takes messages of 256 KiB.

A long header is one object, named by its digest, however many chunks and parts refer to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import orjson

from triptych.aws.stored import Bucket
from triptych.batches.file import Chunk, Part
from triptych.batches.keys import header_key
from triptych.errors import ServiceUnavailable
from triptych.protocol.json_document import dump

INLINE: Final = 1024
"""Characters of a header that travel with each chunk and part: a plan lists up to 10,000 chunks of a file."""


def without_long_head(work: Bucket, batch_id: str, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
    """Moves a long head out of the chunks of one file.

    Args:
        work: Bucket for work.
        batch_id: Id of the batch.
        chunks: All chunks of a file; they have the same head.

    Raises:
        ServiceUnavailable: The bucket cannot be reached.
    """
    if not chunks or len(chunks[0].head) <= INLINE:
        return chunks
    key = _kept(work, batch_id, chunks[0].head.encode("latin-1"))
    return [chunk._replace(head="", head_object=key) for chunk in chunks]


def head_of(work: Bucket, chunk: Chunk) -> bytes:
    """Returns the head of a chunk.

    Raises:
        ServiceUnavailable: The bucket cannot be reached, or the head is not there any more.
    """
    return _read(work, chunk.head_object) if chunk.head_object else chunk.head.encode("latin-1")


def without_long_columns(work: Bucket, batch_id: str, part: Part) -> Part:
    """Moves a long list of columns out of a part.

    Args:
        work: Bucket for work.
        batch_id: Id of the batch.
        part: The part.

    Raises:
        ServiceUnavailable: The bucket cannot be reached.
    """
    if sum(map(len, part.columns)) <= INLINE:
        return part
    return part._replace(columns=(), columns_object=_kept(work, batch_id, dump(part.columns)))


def with_columns(work: Bucket, parts: Sequence[Part]) -> list[Part]:
    """Returns parts with their columns, wherever these are kept.

    Raises:
        ServiceUnavailable: The bucket cannot be reached, or the columns are not there any more.
    """
    keys = {part.columns_object for part in parts}
    known = {key: tuple(orjson.loads(_read(work, key))) for key in keys if key is not None}
    return [
        part._replace(columns=known[part.columns_object] if part.columns_object else part.columns)
        for part in parts
    ]


def _kept(work: Bucket, batch_id: str, header: bytes) -> str:
    key = header_key(batch_id, sha256(header).hexdigest())
    work.put(key, header, "application/octet-stream")
    return key


def _read(work: Bucket, key: str) -> bytes:
    header = work.get(key)
    if header is None:
        raise ServiceUnavailable("the header of the file is gone from the bucket for work; redrive the batch")
    return header
