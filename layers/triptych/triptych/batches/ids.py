"""Ids of batches. The same event always makes the same id: what is told twice is one batch."""

from __future__ import annotations

import re
import uuid
from typing import Final

from triptych.errors import NotFound

_NAMESPACE: Final = uuid.UUID("a1d2b7c4-0c35-4c55-9d0e-52d1f1a7f3e8")  # any constant; a new one forgets all
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def random_id() -> str:
    """Makes an id that nobody else has."""
    return str(uuid.uuid4())


def upload_id(bucket: str, key: str, generation: str) -> str:
    """Makes the id of the batch that an upload starts.

    Args:
        bucket: Name of the bucket.
        key: Key of the file.
        generation: Its version, or its etag where the bucket keeps no versions.
    """
    return _id("upload", bucket, generation, key)


def derived_id(scope: str, key: str) -> str:
    """Makes the id that belongs to a key.

    Args:
        scope: Who chose the key; the same key of two callers makes two ids.
        key: What the caller chose.
    """
    return _id("key", scope, key)


def scheduled_id(prefix: str, time: str) -> str:
    """Makes the id of the batch that a schedule starts.

    Args:
        prefix: What the keys begin with.
        time: When it was to start, as the schedule writes it.
    """
    return _id("schedule", time, prefix)


def batch_id(text: str) -> str:
    """Returns the id if it can be a batch's.

    Raises:
        NotFound: No batch can have this id.
    """
    if not _ID.fullmatch(text):
        raise NotFound(f"there is no batch {text[:64]!r}")
    return text


def execution_name(identity: str, redrives: int) -> str:
    """Names the execution of the state machine: a name serves once, so each redrive has its own."""
    return f"{identity}-{redrives}" if redrives else identity


def _id(*parts: str) -> str:
    # Lengths keep ("a", "b/c") and ("a/b", "c") apart.
    return str(uuid.uuid5(_NAMESPACE, "/".join(f"{len(part)}:{part}" for part in parts)))
