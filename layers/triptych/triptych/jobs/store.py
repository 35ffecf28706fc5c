"""Where the records of jobs are kept. Every method raises `ServiceUnavailable` when it cannot be reached.

Records of jobs as DynamoDB keeps them.

| attribute | for |
|---|---|
| id | the key |
| fields of the job | what is not None; request, error and result are maps |
| shard, created_id | the index `newest`: one of eight parts by the id, and the place among all jobs |
| due_shard, due | the index `due`, while somebody has to look after the job: the same part, and by when |
| delete_at | time to live, in seconds since 1970 |

The index over the records of jobs by what is due: in eight parts, which are asked all at once.

Records of jobs in a DynamoDB table.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol

from triptych.aws.clients import AwsClients, reaching
from triptych.aws.table import Item, RecordTable, deserialized, named, serialized, shard
from triptych.aws.table_index import RecordIndex, each_shard
from triptych.jobs.job import Job
from triptych.lifecycle.plain import plain, record_of


class Page(NamedTuple):
    """Some jobs, and where to go on.

    Attributes:
        jobs: The jobs.
        next: What asks for the page after this one; None when there is none.
    """

    jobs: Sequence[Job]
    next: str | None


class JobStore(Protocol):
    """Keeps the records of jobs. A read gives what was written last, but for pages and overdue ids."""

    def get(self, job_id: str) -> Job | None:
        """Gives a record; None when there is none."""
        ...

    def add(self, job: Job) -> bool:
        """Keeps a new record; False, and nothing is done, when there is one with its id."""
        ...

    def replace(self, job: Job) -> bool:
        """Puts a record in place of its last revision; False, and nothing is done, when that is not there."""
        ...

    def remove(self, job: Job) -> bool:
        """Removes a record; False, and nothing is done, when the one that is there has another revision."""
        ...

    def newest(self, *, model: str | None, after: str | None, limit: int) -> Page:
        """Lists records, newest first.

        Args:
            model: Only jobs of this model.
            after: `next` of the page before, or `Job.place` of the last job that was wanted of it.
            limit: At most so many.

        Raises:
            BadRequest: `after` is not what a page gave.
        """
        ...

    def unattended(self, now: int, limit: int) -> Sequence[str]:
        """Gives ids of jobs that somebody must look after: `attended_until` is over.

        Args:
            now: Milliseconds since 1970.
            limit: At most so many.
        """
        ...


def item_of(job: Job, retention: int) -> Item:
    """Makes the item of a record.

    Args:
        job: The record.
        retention: Seconds that it is kept after its end, or after it should have been started.
    """
    return serialized({**plain(job), **_index_keys(job), "delete_at": _delete_at(job, retention)})


def job_of(item: Item) -> Job:
    """Reads the record out of its item; attributes that it does not know are left out."""
    return record_of(Job, deserialized(item))


def _index_keys(job: Job) -> dict[str, object]:
    due = job.attended_until
    return {
        "shard": shard(job.id),
        "created_id": job.place,
        "due": due,
        "due_shard": None if due is None else shard(job.id),
    }


def _delete_at(job: Job, retention: int) -> int:
    return max(job.expires, job.ended or 0) // 1000 + retention


class DueIndex:
    """Finds jobs that are due. Failures of AWS come out as they are.

    Args:
        clients: Calls AWS.
        table: Name of the table.
    """

    def __init__(self, clients: AwsClients, table: str) -> None:
        self._clients = clients
        self._table = table

    def due(self, now: int, limit: int) -> Sequence[str]:
        """Finds the jobs that are due at a time, in milliseconds since 1970; the longest overdue first."""
        parts = each_shard(lambda shard: self._due(shard, now, limit))
        found = sorted((int(item["due"]["N"]), item["id"]["S"]) for item in chain.from_iterable(parts))
        return [job_id for _, job_id in found[:limit]]

    def _due(self, shard: str, now: int, limit: int) -> Sequence[Item]:
        page: Any = self._clients.dynamodb.query(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="#due_shard = :shard AND #due <= :now",
            ExpressionAttributeNames=named("due_shard", "due"),
            ExpressionAttributeValues=serialized({":shard": shard, ":now": now}),
            Limit=limit,
        )
        items: Sequence[Item] = page["Items"]
        return items


TABLE = "the table of jobs"


class DynamoJobs:
    """Keeps records; one changes only if it is still what its writer read.

    Args:
        clients: Calls AWS.
        table: Name of the table.
        retention: Seconds that a record is kept after its end.
    """

    def __init__(self, clients: AwsClients, table: str, retention: int) -> None:
        self._table = RecordTable(clients, table, TABLE)
        self._newest = RecordIndex(clients, table, TABLE)
        self._due = DueIndex(clients, table)
        self._retention = retention

    def get(self, job_id: str) -> Job | None:
        """Gives a record; None when there is none.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        item = self._table.get({"id": job_id})
        return None if item is None else job_of(item)

    def add(self, job: Job) -> bool:
        """Keeps a new record; False, and nothing is done, when there is one with its id.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        return self._table.add(item_of(job, self._retention))

    def replace(self, job: Job) -> bool:
        """Puts a record in place of its last revision; False, and nothing is done, when that is not there.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        return self._table.replace(item_of(job, self._retention), job.revision - 1)

    def remove(self, job: Job) -> bool:
        """Removes a record; False, and nothing is done, when the one that is there has another revision.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        return self._table.remove({"id": job.id}, job.revision)

    def newest(self, *, model: str | None, after: str | None, limit: int) -> Page:
        """Lists records, newest first. A page may be short and have a next one all the same.

        Args:
            model: Only jobs of this model.
            after: `next` of the page before, or `Job.place` of the last job that was wanted of it.
            limit: At most so many.

        Raises:
            BadRequest: `after` is not what a page gave.
            ServiceUnavailable: The table cannot be reached.
        """
        items, following = self._newest.newest(after, limit, model)
        return Page([job_of(item) for item in items], following)

    def unattended(self, now: int, limit: int) -> Sequence[str]:
        """Gives ids of jobs that somebody must look after, the longest overdue first.

        Args:
            now: Milliseconds since 1970.
            limit: At most so many.

        Raises:
            ServiceUnavailable: The table cannot be reached.
        """
        with reaching(TABLE):
            return self._due.due(now, limit)
