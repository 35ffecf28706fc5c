"""What a caller submits as a batch.

A long list of keys is stored in the bucket for work: each chunk reads the record of its batch several times.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from itertools import accumulate
from typing import Any, Final, NamedTuple

import orjson

from triptych.aws.bucket import Bucket
from triptych.batches.batch import Batch, BatchSource, KeyList
from triptych.batches.keys import file_form, input_key, is_folder, list_key
from triptych.errors import BadRequest
from triptych.lifecycle.finalize import target
from triptych.protocol.json_document import dump
from triptych.protocol.names import check_known, model_name, version_number
from triptych.rows.options import BatchOptions, read_options

MAX_KEYS: Final = 10_000
"""Keys that a batch may list: as many files as a batch may have. How long they are is up to the body."""

_LONGEST: Final = 1024  # bytes of a key in S3
_FIELDS: Final = ("model", "version", "prefix", "keys", "only_new", "options", "target", "dry_run")


class Submission(NamedTuple):
    """What a caller submits as a batch; without a model, the keys of files name it."""

    source: BatchSource
    model: str | None = None
    version: int | None = None
    options: BatchOptions = BatchOptions()
    target: str | None = None

    def batch(self, identity: str, now: int) -> Batch:
        """Returns the record of the batch."""
        return Batch(identity, self.model, self.version, self.source, self.options, now, self.target)

    def matches(self, batch: Batch) -> bool:
        """Returns whether a batch is what this asks for."""
        return batch[1:5] == self.batch(batch.id, batch.created)[1:5]


def read_submission(message: Mapping[str, object]) -> Submission:
    """Reads a submission, and refuses early what is wrong without looking at files.

    Raises:
        BadRequest: A field is unknown, missing or not what it may be.
        NotFound: No model can have this name.
        UnsupportedMediaType: A key's ending is not that of a format that is read here.
    """
    check_known(message, _FIELDS, "field")
    model = None if message.get("model") is None else model_name(_text(message, "model"))
    source = _source(message)
    for key in source.keys:
        _check(key, model)
    version = message.get("version")
    if version is not None and model is None:
        raise BadRequest("version: expected a model as well; without one, keys name model and version")
    return Submission(
        source=source,
        model=model,
        version=None if version is None else version_number(str(version)),
        options=_options(message.get("options")),
        target=target(message.get("target")),
    )


def _source(message: Mapping[str, object]) -> BatchSource:
    if (message.get("keys") is None) == (message.get("prefix") is None):
        raise BadRequest("expected either 'prefix', what the keys of the files begin with, or 'keys', a list")
    only_new = message.get("only_new", False)
    if not isinstance(only_new, bool):
        raise BadRequest(f"only_new: expected true or false, got {str(only_new)[:32]!r}")
    if message.get("prefix") is not None:
        return BatchSource(prefix=_text(message, "prefix"), only_new=only_new)
    if only_new:
        raise BadRequest("only_new goes with 'prefix'; listed keys are transformed in any case")
    return BatchSource(keys=_keys(message["keys"]))


def _keys(listed: object) -> tuple[str, ...]:
    if not isinstance(listed, list) or not listed or not all(_is_key(key) for key in listed):
        raise BadRequest(f"keys: expected a list of keys of 1 to {_LONGEST} bytes")
    keys: dict[str, Any] = dict.fromkeys(listed)  # the same file twice would have one output
    if len(keys) > MAX_KEYS:
        raise BadRequest(f"keys: one batch lists {MAX_KEYS} keys at most; send several batches, or a prefix")
    return tuple(keys)


def _check(key: str, model: str | None) -> None:
    if is_folder(key):
        raise BadRequest(f"keys: {key[-80:]!r} is a folder; list its files, or send it as 'prefix'")
    if model is None:
        input_key(key)
    else:
        file_form(key.rpartition("/")[2])


def _is_key(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= _LONGEST


def _text(message: Mapping[str, object], name: str) -> str:
    value = message[name]
    if not isinstance(value, str) or not _is_key(value):
        raise BadRequest(f"{name}: expected text of 1 to {_LONGEST} bytes, got {str(value)[:80]!r}")
    return value


def _options(value: object) -> BatchOptions:
    if value is None:
        return BatchOptions()
    if not isinstance(value, dict):
        raise BadRequest(f"options: expected an object, got {str(value)[:80]!r}")
    return read_options(value, "options.")


INLINE_BYTES: Final = 2048
"""Bytes of keys that a record holds: with them it stays below 4 KB, which is one read unit of DynamoDB."""

_MODELS: Final = 100
"""Models that a record names at most."""


def shortened(work: Bucket, source: BatchSource) -> BatchSource:
    """Writes a long list of keys to the bucket for work, and leaves only its first keys in the source.

    Equal lists are the same object and make equal sources, so doing this twice changes nothing.
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
    """Returns all keys that a caller listed; raises `BadRequest` once their list is deleted, after days."""
    if source.listed is None:
        return source.keys
    body = work.get(source.listed.object)
    if body is None:
        raise BadRequest("the list of keys of this batch has been deleted; submit the batch again")
    return tuple(orjson.loads(body))
