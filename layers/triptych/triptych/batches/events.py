"""Events that start or end batches: of S3, the scheduler, Step Functions, and our own reminders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from triptych.batches.keys import is_folder
from triptych.errors import BadRequest

_ENDED = "Step Functions Execution Status Change"
_NO_VERSION = "null"  # what S3 calls the version of an object in a bucket that keeps none


class Upload(NamedTuple):
    """A file that was dropped.

    Attributes:
        key: Its key.
        version: Its version; None where the bucket keeps none.
        etag: Its ETag.
    """

    key: str
    version: str | None
    etag: str


class Schedule(NamedTuple):
    """A time has come at which all new files are to be transformed.

    Attributes:
        prefix: What their keys begin with.
        time: The time, as the schedule writes it.
    """

    prefix: str
    time: str


class EndedExecution(NamedTuple):
    """An execution of the state machine that failed, ran out of time, or was stopped.

    Attributes:
        name: Its name.
        batch: Id of its batch.
        error: Name of the error, or how it ended.
        cause: What went wrong, if that is known.
    """

    name: str
    batch: str
    error: str
    cause: str


def reminder_of(event: Mapping[str, Any]) -> str | None:
    """Returns the id of the batch that a reminder starts; None when the event is something else.

    Raises:
        BadRequest: It contains no id.
    """
    batch_id = event.get("start")
    if batch_id is not None and not isinstance(batch_id, str):
        raise BadRequest('expected {"start": "<id of a batch>"}')
    return batch_id


def schedule_of(event: Mapping[str, Any]) -> Schedule | None:
    """Reads an event of the scheduler; returns None when it is something else.

    Raises:
        BadRequest: It has no prefix or no time.
    """
    schedule = event.get("schedule")
    if schedule is None:
        return None
    if not isinstance(schedule, Mapping) or not all(
        isinstance(schedule.get(name), str) for name in Schedule._fields
    ):
        raise BadRequest('expected {"schedule": {"prefix": "...", "time": "..."}}')
    return Schedule(schedule["prefix"], schedule["time"])


def execution_of(event: Mapping[str, Any]) -> EndedExecution | None:
    """Reads EventBridge's event of the end of an execution; returns None when it is something else.

    Raises:
        BadRequest: It does not say which.
    """
    if event.get("detail-type") != _ENDED:
        return None
    try:
        detail = event["detail"]
        batch = str(json.loads(detail["input"])["batch"])
        error = detail.get("error") or detail["status"]
        return EndedExecution(str(detail["name"]), batch, str(error), str(detail.get("cause") or ""))
    except (KeyError, TypeError, ValueError) as failure:
        raise BadRequest(f"the event does not tell whose execution ended: {failure!r}") from failure


def uploads_of(event: Mapping[str, Any]) -> Iterator[Upload]:
    """Reads the uploads of an event of S3; skips folders, S3's test event, and what is no upload.

    Raises:
        BadRequest: It is no event of S3.
    """
    if event.get("Event") == "s3:TestEvent":
        return
    try:
        for record in event["Records"]:
            if not str(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated:"):
                continue
            upload = _upload(record["s3"]["object"])
            if not is_folder(upload.key):
                yield upload
    except (KeyError, TypeError) as error:
        raise BadRequest(f"the message is no event of S3: {error!r} is missing") from error


def _upload(stored: Mapping[str, Any]) -> Upload:
    version = stored.get("versionId")
    return Upload(
        key=unquote_plus(stored["key"]),
        version=None if version in {None, "", _NO_VERSION} else str(version),
        etag=str(stored["eTag"]).strip('"'),
    )
