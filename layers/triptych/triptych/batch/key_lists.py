"""Long lists of keys, kept in the bucket for work: each chunk reads the record of its batch several times."""

from __future__ import annotations

from hashlib import sha256
from itertools import accumulate
from typing import Final

import orjson

from triptych.batches.batch import BatchSource, KeyList
from triptych.batches.keys import list_key
from triptych.errors import BadRequest
from triptych.interfaces.objects import Bucket
from triptych.protocol.json_body import dump

INLINE_BYTES: Final = 2048
"""Bytes of keys that a record holds: with them it stays below 4 KB, which is one read unit of DynamoDB."""

_MODELS: Final = 100
"""Models that a record names at most."""


def shortened(work: Bucket, source: BatchSource) -> BatchSource:
    """Writes a long list of keys to the bucket for work, and leaves only its first keys in the source.

    Equal lists are the same object and make equal sources, so doing this twice changes nothing.

    Args:
        work: Bucket for work.
        source: What the caller asked for.

    Raises:
        ServiceUnavailable: The bucket cannot be reached.
    """
    sizes = list(accumulate(len(key.encode()) for key in source.keys))
    if not sizes or sizes[-1] <= INLINE_BYTES:
        return source
    body = dump(list(source.keys))
    name = list_key(sha256(body).hexdigest())
    work.put(name, body, "application/json")
    models = tuple(dict.fromkeys(key.partition("/")[0] for key in source.keys))[:_MODELS]
    first = source.keys[: sum(size <= INLINE_BYTES for size in sizes)]
    return source._replace(keys=first, listed=KeyList(name, len(source.keys), models))


def all_keys(work: Bucket, source: BatchSource) -> tuple[str, ...]:
    """Returns all keys that a caller listed.

    Args:
        work: Bucket for work.
        source: What `shortened` returned.

    Raises:
        BadRequest: The list has been deleted, as everything in that bucket is after some days.
        ServiceUnavailable: The bucket cannot be reached.
    """
    if source.listed is None:
        return source.keys
    body = work.get(source.listed.object)
    if body is None:
        raise BadRequest("the list of keys of this batch has been deleted; submit the batch again")
    return tuple(orjson.loads(body))
