"""Records of batches in a DynamoDB table."""

from __future__ import annotations

from collections.abc import Sequence

from triptych.adapters import batch_items as items
from triptych.adapters.aws_clients import AwsClients
from triptych.adapters.dynamodb_items import deserialized
from triptych.adapters.record_index import RecordIndex
from triptych.adapters.record_table import RecordTable
from triptych.batches.batch import Batch
from triptych.batches.file import FileOutcome, Part
from triptych.interfaces.batch_store import BatchPage
from triptych.interfaces.clock import Clock
from triptych.protocol.plain import record_of

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
        self._index = RecordIndex(clients, table, TABLE, {"item": items.BATCH})
        self._retention = retention
        self._clock = clock

    def get(self, batch_id: str) -> Batch | None:
        """Gives a record; None when there is none."""
        item = self._table.get({"id": batch_id, "item": items.BATCH})
        return None if item is None else record_of(Batch, deserialized(item))

    def add(self, batch: Batch) -> bool:
        """Keeps a new record; False, and nothing is done, when there is one with its id."""
        return self._table.add(items.batch_item(batch, self._retention))

    def replace(self, batch: Batch) -> bool:
        """Puts a record in place of its last revision; False, and nothing is done, when that is not there."""
        return self._table.replace(items.batch_item(batch, self._retention), batch.revision - 1)

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
        return self._table.add(items.part_item(batch_id, part, self._delete_at))

    def part(self, batch_id: str, file: int, start: int) -> Part | None:
        """Gives the part of a file that begins at a position; None when there is none."""
        item = self._table.get({"id": batch_id, "item": items.part_name(file, start)})
        return None if item is None else record_of(Part, deserialized(item))

    def parts(self, batch_id: str, file: int | None = None) -> Sequence[Part]:
        """Lists the parts of a file, or of all files, by file and start."""
        prefix = items.PARTS if file is None else items.parts_of(file)
        return [record_of(Part, deserialized(item)) for item in self._table.below(batch_id, prefix)]

    def add_outcome(self, batch_id: str, outcome: FileOutcome) -> bool:
        """Keeps what became of a file; False, and nothing is done, when that is known."""
        return self._table.add(items.outcome_item(batch_id, outcome, self._delete_at))

    def outcome(self, batch_id: str, number: int) -> FileOutcome | None:
        """Returns what became of one file; None while that is not known."""
        item = self._table.get({"id": batch_id, "item": items.outcome_name(number)})
        return None if item is None else record_of(FileOutcome, deserialized(item))

    def outcomes(self, batch_id: str) -> Sequence[FileOutcome]:
        """Lists what became of the files of a batch, by number."""
        found = self._table.below(batch_id, items.FILES)
        return [record_of(FileOutcome, deserialized(item)) for item in found]

    def forget_outcomes(self, batch_id: str) -> None:
        """Removes the outcomes of files that failed for a reason that may pass: they are made again."""
        for outcome in self.outcomes(batch_id):
            if outcome.error is not None and outcome.error.retryable:
                self._table.forget({"id": batch_id, "item": items.outcome_name(outcome.number)})

    def count_attempt(self, batch_id: str, file: int, start: int) -> int:
        """Counts that a chunk is begun, and gives how often it was, this time included."""
        key = {"id": batch_id, "item": items.attempt_name(file, start)}
        return self._table.count(key, "attempts", self._delete_at)

    @property
    def _delete_at(self) -> int:
        return self._clock() // 1000 + self._retention
