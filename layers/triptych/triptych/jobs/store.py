"""The records of jobs in a DynamoDB table.

| attribute | for |
|---|---|
| id | the key |
| fields of the job | what is not None; request, error and result are maps |
| shard, created_id | the index `newest`: one of eight shards by the id, and the position among all jobs |
| due_shard, due | the index `due`, while somebody has to attend to the job: the same shard, and by when |
| delete_at | time to live, in seconds since 1970 |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from triptych.aws.clients import AwsClients
from triptych.aws.index import RecordIndex, shard
from triptych.aws.table import Item, Table
from triptych.jobs.inputs import InputStore
from triptych.jobs.job import IDS, Job
from triptych.jobs.results import ResultStore
from triptych.lifecycle.store import RecordStore, item_of

TABLE = "the table of jobs"


class JobStore(RecordStore[Job]):
    """Stores jobs, each so many seconds beyond its end, or beyond when it should have been started.

    Every method raises `ServiceUnavailable` when the table cannot be reached.
    """

    kind = Job
    noun = IDS.noun

    def __init__(self, clients: AwsClients, table: str, retention: int) -> None:
        records = Table(clients, table, TABLE)
        super().__init__(records, RecordIndex(records))
        self._retention = retention

    def item(self, record: Job) -> Item:
        """Returns the item of a job."""
        due = record.attended_until
        return item_of(
            record,
            due=due,
            due_shard=None if due is None else shard(record.id),
            delete_at=max(record.expires, record.ended or 0) // 1000 + self._retention,
        )

    def remove(self, job: Job) -> bool:
        """Removes a job; returns False, and does nothing, when it has another revision."""
        return self._table.remove({"id": job.id}, job.revision)

    def unattended(self, now: int, limit: int) -> Sequence[str]:
        """Returns ids of jobs whose `attended_until` is before `now`, the longest overdue first; may lag."""
        return self._index.due(now, limit)


class JobStorage(NamedTuple):
    """Where jobs, inputs that are too large for a message, and results are stored."""

    jobs: JobStore
    inputs: InputStore
    results: ResultStore
