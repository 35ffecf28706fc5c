"""What functions of a batch hand each other, in JSON."""

from __future__ import annotations

from typing import Any, NamedTuple

from triptych.batches.file import Chunk, Join
from triptych.errors import BadRequest
from triptych.lifecycle.plain import plain, record_of


def message(record: Chunk | Join) -> dict[str, Any]:
    """Describes what `chunk_of` and `join_of` read."""
    return plain(record)


def chunk_of(described: object) -> Chunk:
    """Reads a chunk.

    Raises:
        BadRequest: It is none.
    """
    return _read(Chunk, described)


def join_of(described: object) -> Join:
    """Reads a file that is joined.

    Raises:
        BadRequest: It is none.
    """
    return _read(Join, described)


def _read[Record: NamedTuple](kind: type[Record], described: object) -> Record:
    try:
        return record_of(kind, described)
    except (ValueError, TypeError) as error:
        raise BadRequest(f"the message of the state machine cannot be read: {error}") from error
