"""What starts batches, as it is told by S3, the scheduler and Step Functions.

Executions of the state machine that ended without the last word of one of our functions.

Batches that nobody started, because a process died: the reminder that it sent starts or ends them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from triptych.batches.batch import Status, execution_name
from triptych.batches.failures import batch_failure
from triptych.batches.finalize import BatchEndings
from triptych.batches.keys import is_folder
from triptych.batches.starting import Starter
from triptych.batches.store import BatchStore
from triptych.errors import BadRequest, ServiceUnavailable
from triptych.lifecycle.failure import Failure

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
    """Reads a reminder, which `Starter` sends, as the id of its batch; None when the event is something else.

    Raises:
        BadRequest: It contains no id.
    """
    batch_id = event.get("start")
    if batch_id is not None and not isinstance(batch_id, str):
        raise BadRequest('expected {"start": "<id of a batch>"}')
    return batch_id


def schedule_of(event: Mapping[str, Any]) -> Schedule | None:
    """Reads what the scheduler tells; None when it is something else.

    Raises:
        BadRequest: It tells no prefix or no time.
    """
    said = event.get("schedule")
    if said is None:
        return None
    if not isinstance(said, Mapping) or not all(isinstance(said.get(name), str) for name in Schedule._fields):
        raise BadRequest('expected {"schedule": {"prefix": "...", "time": "..."}}')
    return Schedule(said["prefix"], said["time"])


def execution_of(event: Mapping[str, Any]) -> EndedExecution | None:
    """Reads what EventBridge tells of the end of an execution; None when it is something else.

    Raises:
        BadRequest: It does not tell which.
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
    """Reads an event of S3; passes over folders, the test that S3 sends first, and what is no upload.

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


class Executions:
    """Ends batches whose execution was killed, or ran out of time.

    Args:
        store: Keeps the records.
        endings: Ends batches.
    """

    def __init__(self, store: BatchStore, endings: BatchEndings) -> None:
        self._store = store
        self._endings = endings

    def ended(self, execution: EndedExecution) -> None:
        """Deals with the end of an execution. It does not matter how often it is told.

        Raises:
            ServiceUnavailable: Records cannot be reached.
        """
        batch = self._store.get(execution.batch)
        if batch is None or execution.name != execution_name(batch.id, batch.redrives):
            return  # nobody's, or of the time before the batch was started again
        self._endings.fail(batch.id, batch_failure({"Error": execution.error, "Cause": execution.cause}))


class Reminders:
    """Starts batches that are recorded as queued and that nobody has started.

    Args:
        store: Keeps the records.
        starter: Starts batches.
        endings: Ends those that cannot be started.
    """

    def __init__(self, store: BatchStore, starter: Starter, endings: BatchEndings) -> None:
        self._store = store
        self._starter = starter
        self._endings = endings

    def take(self, batch_id: str) -> None:
        """Starts a batch, or ends it as failed. It does not matter how often this is done.

        Args:
            batch_id: Id of a batch, which may never have been recorded.

        Raises:
            ServiceUnavailable: Records cannot be reached: do it again later.
        """
        batch = self._store.get(batch_id)
        if batch is None or batch.status is not Status.QUEUED or batch.execution is not None:
            return
        try:
            self._starter.start(batch)
        except ServiceUnavailable as error:
            reason = f"it could not be started: {error}; redrive the batch"
            self._endings.fail(batch.id, Failure(error.kind, reason, retryable=True))
