"""Where the records of batches are kept.

Every method raises `ServiceUnavailable` when it cannot be reached.

Records of batches as DynamoDB keeps them: all of a batch under its id, told apart by `item`.

| item | what it is |
|---|---|
| batch | the record; it alone has shard and created_id, for the index `newest` |
| part#<file>#<start> | a part of a file |
| file#<number> | what became of a file |
| attempt#<file>#<start> | how often a chunk was begun |

All have `delete_at`, the time to live in seconds since 1970.

Records of batches in a DynamoDB table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from triptych.aws.clients import AwsClients
from triptych.aws.table import Item, RecordTable, deserialized, serialized, shard
from triptych.aws.table_index import RecordIndex
from triptych.batches.batch import Batch
from triptych.batches.file import FileOutcome, Part
from triptych.clock import Clock
from triptych.lifecycle.plain import plain, record_of


class BatchPage(NamedTuple):
    """Some batches, and where to go on.

    Attributes:
        batches: The batches.
        next: What asks for the page after this one; None when there is none.
    """

    batches: Sequence[Batch]
    next: str | None


class BatchStore(Protocol):
    """Keeps batches, their parts and what became of their files. Reads give what was written last."""

    def get(self, batch_id: str) -> Batch | None:
        """Gives a record; None when there is none."""
        ...

    def add(self, batch: Batch) -> bool:
        """Keeps a new record; False, and nothing is done, when there is one with its id."""
        ...

    def replace(self, batch: Batch) -> bool:
        """Puts a record in place of its last revision; False, and nothing is done, when that is not there."""
        ...

    def newest(self, *, after: str | None, limit: int) -> BatchPage:
        """Lists records, newest first.

        Args:
            after: `next` of the page before.
            limit: At most so many.

        Raises:
            BadRequest: `after` is not what a page gave.
        """
        ...

    def add_part(self, batch_id: str, part: Part) -> bool:
        """Keeps a part; False, and nothing is done, when there is one of its file with its start."""
        ...

    def part(self, batch_id: str, file: int, start: int) -> Part | None:
        """Gives the part of a file that begins at a position; None when there is none."""
        ...

    def parts(self, batch_id: str, file: int | None = None) -> Sequence[Part]:
        """Lists the parts of a file, or of all files, by file and start."""
        ...

    def add_outcome(self, batch_id: str, outcome: FileOutcome) -> bool:
        """Keeps what became of a file; False, and nothing is done, when that is known."""
        ...

    def outcome(self, batch_id: str, number: int) -> FileOutcome | None:
        """Returns what became of one file; None while that is not known."""
        ...

    def outcomes(self, batch_id: str) -> Sequence[FileOutcome]:
        """Lists what became of the files of a batch, by number."""
        ...

    def forget_outcomes(self, batch_id: str) -> None:
        """Removes the outcomes of files that failed for a reason that may pass: they are made again."""
        ...

    def count_attempt(self, batch_id: str, file: int, start: int) -> int:
        """Counts that a chunk is begun, and gives how often it was, this time included."""
        ...


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


TABLE = "the table of batches"


class DynamoBatches:
    """Keeps batches, their parts and what became of their files; all it reads is what was written last.

    Every method raises `ServiceUnavailable` when the table cannot be reached.

    Args:
        clients: Calls AWS.
        table: Name of the table.
        retention: Seconds that a record is kept after its end.
        clock: Gives the milliseconds since 1970.
    """

    def __init__(self, clients: AwsClients, table: str, retention: int, clock: Clock) -> None:
        self._table = RecordTable(clients, table, TABLE)
        self._index = RecordIndex(clients, table, TABLE, {"item": BATCH})
        self._retention = retention
        self._clock = clock

    def get(self, batch_id: str) -> Batch | None:
        """Gives a record; None when there is none."""
        item = self._table.get({"id": batch_id, "item": BATCH})
        return None if item is None else record_of(Batch, deserialized(item))

    def add(self, batch: Batch) -> bool:
        """Keeps a new record; False, and nothing is done, when there is one with its id."""
        return self._table.add(batch_item(batch, self._retention))

    def replace(self, batch: Batch) -> bool:
        """Puts a record in place of its last revision; False, and nothing is done, when that is not there."""
        return self._table.replace(batch_item(batch, self._retention), batch.revision - 1)

    def newest(self, *, after: str | None, limit: int) -> BatchPage:
        """Lists records, newest first. A page may be short and have a next one all the same.

        Args:
            after: `next` of the page before.
            limit: At most so many.

        Raises:
            BadRequest: `after` is not what a page gave.
        """
        found, following = self._index.newest(after, limit)
        return BatchPage([record_of(Batch, deserialized(item)) for item in found], following)

    def add_part(self, batch_id: str, part: Part) -> bool:
        """Keeps a part; False, and nothing is done, when there is one of its file with its start."""
        return self._table.add(part_item(batch_id, part, self._delete_at))

    def part(self, batch_id: str, file: int, start: int) -> Part | None:
        """Gives the part of a file that begins at a position; None when there is none."""
        item = self._table.get({"id": batch_id, "item": part_name(file, start)})
        return None if item is None else record_of(Part, deserialized(item))

    def parts(self, batch_id: str, file: int | None = None) -> Sequence[Part]:
        """Lists the parts of a file, or of all files, by file and start."""
        prefix = PARTS if file is None else parts_of(file)
        return [record_of(Part, deserialized(item)) for item in self._table.below(batch_id, prefix)]

    def add_outcome(self, batch_id: str, outcome: FileOutcome) -> bool:
        """Keeps what became of a file; False, and nothing is done, when that is known."""
        return self._table.add(outcome_item(batch_id, outcome, self._delete_at))

    def outcome(self, batch_id: str, number: int) -> FileOutcome | None:
        """Returns what became of one file; None while that is not known."""
        item = self._table.get({"id": batch_id, "item": outcome_name(number)})
        return None if item is None else record_of(FileOutcome, deserialized(item))

    def outcomes(self, batch_id: str) -> Sequence[FileOutcome]:
        """Lists what became of the files of a batch, by number."""
        found = self._table.below(batch_id, FILES)
        return [record_of(FileOutcome, deserialized(item)) for item in found]

    def forget_outcomes(self, batch_id: str) -> None:
        """Removes the outcomes of files that failed for a reason that may pass: they are made again."""
        for outcome in self.outcomes(batch_id):
            if outcome.error is not None and outcome.error.retryable:
                self._table.forget({"id": batch_id, "item": outcome_name(outcome.number)})

    def count_attempt(self, batch_id: str, file: int, start: int) -> int:
        """Counts that a chunk is begun, and gives how often it was, this time included."""
        key = {"id": batch_id, "item": attempt_name(file, start)}
        return self._table.count(key, "attempts", self._delete_at)

    @property
    def _delete_at(self) -> int:
        return self._clock() // 1000 + self._retention
