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

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from triptych.jobs.job import Job, JobError, JobRequest, JobResult, Status

type Item = dict[str, Any]
"""Attributes as DynamoDB writes them, such as `{"id": {"S": "..."}}`."""

SHARDS: Final = tuple("01234567")
"""Parts of the indexes: the key of an index takes a thousand writes a second."""

_SERIALIZE = TypeSerializer().serialize
_DESERIALIZE = TypeDeserializer().deserialize


def shard(job_id: str) -> str:
    """Gives the part of the indexes that a job is in."""
    return SHARDS[int(job_id[-1], 16) % len(SHARDS)]


def item_of(job: Job, retention: int) -> Item:
    """Makes the item of a record.

    Args:
        job: The record.
        retention: Seconds that it is kept after its end, or after it should have been started.
    """
    return serialized({**_fields(job), **_index_keys(job), "delete_at": _delete_at(job, retention)})


def job_of(item: Item) -> Job:
    """Reads the record out of its item; attributes that it does not know are left out."""
    values: dict[str, Any] = {"version": None} | {
        name: _plain(_DESERIALIZE(value)) for name, value in item.items() if name in Job._fields
    }
    values["status"] = Status(values["status"])
    for name, kind in (("request", JobRequest), ("error", JobError), ("result", JobResult)):
        if name in values:
            values[name] = _record(kind, values[name])
    return Job(**values)


def serialized(values: Mapping[str, object]) -> Item:
    """Writes values as DynamoDB takes them; None is left out."""
    return {name: _SERIALIZE(value) for name, value in values.items() if value is not None}


def named(*attributes: str) -> dict[str, str]:
    """Gives names with `#` for attributes in expressions, where hundreds of plain words are reserved."""
    return {f"#{attribute}": attribute for attribute in attributes}


def _fields(job: Job) -> dict[str, Any]:
    maps = {"request": job.request, "error": job.error, "result": job.result}
    return {**job._asdict(), "status": job.status.value} | {
        name: None if record is None else _present(record._asdict()) for name, record in maps.items()
    }


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


def _present(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _record(kind: type[JobRequest | JobError | JobResult], values: Mapping[str, object]) -> object:
    known = {name: values.get(name) for name in kind._fields}
    return kind(**known)  # type: ignore[arg-type]  # as it was written


def _plain(value: object) -> object:
    """Gives integers for the decimals that DynamoDB has for numbers."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return int(value) if isinstance(value, Decimal) else value
