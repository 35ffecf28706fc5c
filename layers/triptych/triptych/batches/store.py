"""Records of batches in a DynamoDB table: all items of a batch have its id, and `item` tells them apart.

| item | what it is |
|---|---|
| batch | the record; it alone has shard and created_id, for the index `newest` |
| part#<file>#<start> | a part of a file |
| file#<number> | the outcome of a file |
| attempt#<file>#<start> | how often a chunk was begun |

All have `delete_at`, the time to live in seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final, NamedTuple

from triptych.aws.bucket import Bucket
from triptych.aws.clients import AwsClients
from triptych.aws.index import RecordIndex
from triptych.aws.table import Item, Table, deserialized, serialized
from triptych.batches.batch import IDS, Batch, Status
from triptych.batches.file import FileOutcome, Part
from triptych.batches.lookup import PredictionStore
from triptych.clock import Clock
from triptych.errors import Conflict
from triptych.lifecycle.finalize import at_most_every
from triptych.lifecycle.store import RecordStore, item_of, plain, record_of

TABLE: Final = "the table of batches"
_BATCH: Final = "batch"
_PARTS: Final = "part#"
_FILES: Final = "file#"
_CHECK_SECONDS: Final = 5.0
"""Seconds between two looks whether a batch was cancelled."""


class Cancelled(Conflict):
    """The batch was cancelled, or its record is gone."""


class BatchStore(RecordStore[Batch]):
    """Stores batches, their parts and the outcomes of their files.

    Every method raises `ServiceUnavailable` when the table cannot be reached.
    """

    kind = Batch
    noun = IDS.noun
    key: ClassVar = {"item": _BATCH}

    def __init__(self, clients: AwsClients, table: str, retention: int, clock: Clock) -> None:
        records = Table(clients, table, TABLE)
        super().__init__(records, RecordIndex(records, {"item": _BATCH}))
        self._retention = retention
        self._clock = clock

    def item(self, record: Batch) -> Item:
        """Returns the item of a batch."""
        return batch_item(record, self._retention)

    def add_part(self, batch_id: str, part: Part) -> bool:
        """Stores a part; returns False, and does nothing, when there is one with its file and start."""
        return self._table.add(self._item_of(batch_id, _part_name(part.file, part.start), part))

    def part(self, batch_id: str, file: int, start: int) -> Part | None:
        """Returns the part of a file that begins at a position; None when there is none."""
        item = self._table.get({"id": batch_id, "item": _part_name(file, start)})
        return None if item is None else record_of(Part, deserialized(item))

    def parts(self, batch_id: str, file: int | None = None) -> Sequence[Part]:
        """Lists the parts of a file, or of all files, by file and start."""
        prefix = _PARTS if file is None else f"{_PARTS}{file:05d}#"
        return [record_of(Part, deserialized(item)) for item in self._table.below(batch_id, prefix)]

    def add_outcome(self, batch_id: str, outcome: FileOutcome) -> bool:
        """Stores the outcome of a file; returns False, and does nothing, when it has one."""
        return self._table.add(self._item_of(batch_id, _outcome_name(outcome.number), outcome))

    def outcome(self, batch_id: str, number: int) -> FileOutcome | None:
        """Returns the outcome of a file; None while it has none."""
        item = self._table.get({"id": batch_id, "item": _outcome_name(number)})
        return None if item is None else record_of(FileOutcome, deserialized(item))

    def outcomes(self, batch_id: str) -> Sequence[FileOutcome]:
        """Lists the outcomes of the files of a batch, by number."""
        found = self._table.below(batch_id, _FILES)
        return [record_of(FileOutcome, deserialized(item)) for item in found]

    def forget_outcomes(self, batch_id: str) -> None:
        """Deletes the outcomes of files whose failure is retryable: a redrive makes them again."""
        for outcome in self.outcomes(batch_id):
            if outcome.error is not None and outcome.error.retryable:
                self._table.delete({"id": batch_id, "item": _outcome_name(outcome.number)})

    def count_attempt(self, batch_id: str, file: int, start: int) -> int:
        """Counts that a chunk is begun, and returns how often it was, this time included."""
        key = {"id": batch_id, "item": f"attempt#{file:05d}#{start:020d}"}
        return self._table.count(key, "attempts", self._delete_at)

    def check_wanted(self, batch_id: str) -> None:
        """Raises `Cancelled` if a batch was cancelled, or its record is gone."""
        batch = self.get(batch_id)
        if batch is None or batch.status is Status.CANCELLED:
            raise Cancelled(f"batch {batch_id} was cancelled")

    def checkpoint(self, batch_id: str) -> Callable[[], None]:
        """Returns what raises `Cancelled` once a batch was cancelled; it reads every few seconds."""
        return at_most_every(_CHECK_SECONDS, lambda: self.check_wanted(batch_id))

    def _item_of(self, batch_id: str, name: str, record: Part | FileOutcome) -> Item:
        return serialized({**plain(record), "id": batch_id, "item": name, "delete_at": self._delete_at})

    @property
    def _delete_at(self) -> int:
        return self._clock() // 1000 + self._retention


def batch_item(batch: Batch, retention: int) -> Item:
    """Returns the item of a batch, which is kept so many seconds after its end or its beginning."""
    delete_at = max(batch.created, batch.started or 0, batch.ended or 0) // 1000 + retention
    return item_of(batch, item=_BATCH, delete_at=delete_at)


def _part_name(file: int, start: int) -> str:
    return f"{_PARTS}{file:05d}#{start:020d}"


def _outcome_name(number: int) -> str:
    return f"{_FILES}{number:05d}"


class BatchStorage(NamedTuple):
    """Where batches and their files are stored.

    Attributes:
        images: Further buckets that images may be named in, by name.
    """

    batches: BatchStore
    inputs: Bucket
    outputs: Bucket
    work: Bucket
    predictions: PredictionStore
    images: Mapping[str, Bucket] = MappingProxyType({})
