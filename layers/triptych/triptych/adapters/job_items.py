"""Records of jobs as DynamoDB keeps them.

| attribute | for |
|---|---|
| id | the key |
| fields of the job | what is not None; request, error and result are maps |
| shard, created_id | the index `newest`: one of eight parts by the id, and the place among all jobs |
| due_shard, due | the index `due`, while somebody has to look after the job: the same part, and by when |
| delete_at | time to live, in seconds since 1970 |
"""

from __future__ import annotations

from triptych.adapters.dynamodb_items import Item, deserialized, serialized, shard
from triptych.jobs.job import Job
from triptych.protocol.plain import plain, record_of


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
