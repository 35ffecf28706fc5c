"""The entry of the function of uploads: events of S3, the scheduler, Step Functions, and our own reminders.

They come in messages of SQS, or as they are. What is none of them, or says too little, is a `BadRequest`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus

import orjson

from triptych.aws.consumer import SAFETY_MARGIN, SqsTrigger
from triptych.aws.queue import Delivery, Outcomes, Queue
from triptych.batches.keys import is_folder
from triptych.batches.service import BatchService
from triptych.batches.steps import batch_failure
from triptych.batches.telemetry import BatchTelemetry
from triptych.batches.uploads import Upload, Uploads
from triptych.clock import Context, Deadline
from triptych.errors import BadRequest
from triptych.lifecycle.record import Failure

_ENDED = "Step Functions Execution Status Change"
_NO_VERSION = "null"  # what S3 calls the version of an object in a bucket that keeps none


class BatchTrigger:
    """Passes each event to what it is for."""

    def __init__(
        self, uploads: Uploads, service: BatchService, queue: Queue, telemetry: BatchTelemetry
    ) -> None:
        self._uploads = uploads
        self._service = service
        self._queue = queue
        self._telemetry = telemetry
        self._messages = SqsTrigger(self._process_messages, queue, telemetry)

    def __call__(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Processes one event of Lambda; returns the partial batch response for SQS, else nothing."""
        records = event.get("Records") or [{}]
        if records[0].get("eventSource") == "aws:sqs":
            return {**self._messages(event, context)}
        self._telemetry.request_started(context.aws_request_id)
        self.process(event, Deadline.of(context, SAFETY_MARGIN))
        return {}

    def process(self, event: dict[str, Any], deadline: Deadline) -> int | None:
        """Processes an event; returns the seconds after which it is to be delivered again, or None."""
        if batch_id := reminder_of(event):
            self._service.remind(batch_id)
            return None
        if schedule := schedule_of(event):
            self._service.schedule(*schedule)
            return None
        if execution := execution_of(event):
            self._service.execution_ended(*execution)
            return None
        waits = [self._uploads.process(upload, deadline) for upload in uploads_of(event)]
        return min((seconds for seconds in waits if seconds is not None), default=None)

    def _process_messages(self, deliveries: Sequence[Delivery], deadline: Deadline) -> Outcomes:
        """Processes messages one by one, and hides all of them from other workers meanwhile."""
        hidden = round(max(deadline.remaining, 0)) + 5
        self._queue.postpone({delivery.receipt: hidden for delivery in deliveries})
        outcomes: dict[str, int | None] = {}
        for delivery in deliveries:
            try:
                outcomes[delivery.message_id] = self.process(orjson.loads(delivery.body), deadline)
            except Exception as error:  # noqa: BLE001 - the others are processed; this one comes again
                self._telemetry.unexpected(error)
                outcomes[delivery.message_id] = 60
        again = sum(seconds is not None for seconds in outcomes.values())
        self._telemetry.messages_ended(len(deliveries), again)
        return outcomes


def reminder_of(event: Mapping[str, Any]) -> str | None:
    """Returns the id of the batch that a reminder starts; None when the event is something else."""
    batch_id = event.get("start")
    if batch_id is not None and not isinstance(batch_id, str):
        raise BadRequest('expected {"start": "<id of a batch>"}')
    return batch_id


def schedule_of(event: Mapping[str, Any]) -> tuple[str, str] | None:
    """Returns prefix and time, as written, of an event of the scheduler; None when it is something else."""
    schedule = event.get("schedule")
    if schedule is None:
        return None
    match schedule:
        case {"prefix": str(prefix), "time": str(time)}:
            return prefix, time
        case _:
            raise BadRequest('expected {"schedule": {"prefix": "...", "time": "..."}}')


def execution_of(event: Mapping[str, Any]) -> tuple[str, str, Failure] | None:
    """Returns whose execution failed, ran out of time or was stopped: its name, its batch, and why.

    It is read from EventBridge's event; None when that is something else.
    """
    if event.get("detail-type") != _ENDED:
        return None
    try:
        detail = event["detail"]
        batch = str(json.loads(detail["input"])["batch"])
        error = detail.get("error") or detail["status"]
        failure = batch_failure({"Error": str(error), "Cause": str(detail.get("cause") or "")})
        return str(detail["name"]), batch, failure
    except (KeyError, TypeError, ValueError) as wrong:
        raise BadRequest(f"the event does not tell whose execution ended: {wrong!r}") from wrong


def uploads_of(event: Mapping[str, Any]) -> Iterator[Upload]:
    """Reads the uploads of an event of S3; skips folders, S3's test event, and what is no upload."""
    if event.get("Event") == "s3:TestEvent":
        return
    try:
        for record in event["Records"]:
            if not str(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated:"):
                continue
            stored = record["s3"]["object"]
            key, version = unquote_plus(stored["key"]), stored.get("versionId")
            version = None if version in {None, "", _NO_VERSION} else str(version)
            if not is_folder(key):
                yield Upload(key, version, str(stored["eTag"]).strip('"'))
    except (KeyError, TypeError) as error:
        raise BadRequest(f"the message is no event of S3: {error!r} is missing") from error
