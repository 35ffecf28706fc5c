"""Records of batches as DynamoDB keeps them: all of a batch under its id, told apart by `item`.

| item | what it is |
|---|---|
| batch | the record; it alone has shard and created_id, for the index `newest` |
| part#<file>#<start> | a part of a file |
| file#<number> | what became of a file |
| attempt#<file>#<start> | how often a chunk was begun |

All have `delete_at`, the time to live in seconds since 1970.
"""

from __future__ import annotations

from typing import Final

from triptych.adapters.dynamodb_items import Item, serialized, shard
from triptych.batches.batch import Batch
from triptych.batches.file import FileOutcome, Part
from triptych.protocol.plain import plain

BATCH: Final = "batch"
PARTS: Final = "part#"
FILES: Final = "file#"


def batch_item(batch: Batch, retention: int) -> Item:
    """Makes the item of a record, which is kept so many seconds after its end or its beginning."""
    delete_at = max(batch.created, batch.started or 0, batch.ended or 0) // 1000 + retention
    keys = {"item": BATCH, "shard": shard(batch.id), "created_id": batch.place, "delete_at": delete_at}
    return serialized({**plain(batch), **keys})


def part_item(batch_id: str, part: Part, delete_at: int) -> Item:
    """Makes the item of a part."""
    keys = {"id": batch_id, "item": part_name(part.file, part.start), "delete_at": delete_at}
    return serialized({**plain(part), **keys})


def outcome_item(batch_id: str, outcome: FileOutcome, delete_at: int) -> Item:
    """Makes the item of what became of a file."""
    keys = {"id": batch_id, "item": outcome_name(outcome.number), "delete_at": delete_at}
    return serialized({**plain(outcome), **keys})


def parts_of(file: int) -> str:
    """Gives what the names of all parts of a file begin with."""
    return f"{PARTS}{file:05d}#"


def part_name(file: int, start: int) -> str:
    """Names the part of a file that begins at a position."""
    return f"{parts_of(file)}{start:020d}"


def outcome_name(number: int) -> str:
    """Names what became of a file."""
    return f"{FILES}{number:05d}"


def attempt_name(file: int, start: int) -> str:
    """Names how often the chunk of a file was begun that begins at a position."""
    return f"attempt#{file:05d}#{start:020d}"
