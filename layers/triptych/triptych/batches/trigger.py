"""The entry of the function of uploads: events come in messages of SQS, or as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from triptych.aws.consumer import SAFETY_MARGIN, SqsTrigger
from triptych.aws.queue import Delivery, Outcomes, Queue
from triptych.batches.events import execution_of, reminder_of, schedule_of, uploads_of
from triptych.batches.service import BatchService
from triptych.batches.steps import batch_failure
from triptych.batches.telemetry import BatchTelemetry
from triptych.batches.uploads import Uploads
from triptych.clock import Context, Deadline


class BatchTrigger:
    """Passes each event to what it is for.

    Args:
        uploads: Transforms files that were dropped.
        service: Starts and ends batches.
        queue: Where messages come from.
        telemetry: Is notified of messages, and of what fails.
    """

    def __init__(
        self, uploads: Uploads, service: BatchService, queue: Queue, telemetry: BatchTelemetry
    ) -> None:
        self._uploads = uploads
        self._service = service
        self._queue = queue
        self._telemetry = telemetry
        self._messages = SqsTrigger(self._process_messages, queue, telemetry)

    def __call__(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Processes one event of Lambda.

        Args:
            event: Messages of SQS, or an event of S3, the scheduler or Step Functions.
            context: Lambda's context.

        Returns:
            The partial batch response for SQS; nothing for others, which repeat an event that fails.
        """
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
            self._service.schedule(schedule.prefix, schedule.time)
            return None
        if execution := execution_of(event):
            failure = batch_failure({"Error": execution.error, "Cause": execution.cause})
            self._service.execution_ended(execution.name, execution.batch, failure)
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
