"""The entry of functions that SQS triggers: a batch of messages in, those to deliver again out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from triptych.aws.queue import Delivery, Outcomes, Queue
from triptych.aws.telemetry import Telemetry
from triptych.clock import Context, Deadline

SAFETY_MARGIN = 2.0
"""Seconds kept for the answer."""

Process = Callable[[Sequence[Delivery], Deadline], Outcomes]
"""Processes messages; those without an outcome are delivered again."""

type PartialBatchResponse = dict[str, list[dict[str, str]]]
"""Tells SQS which messages to deliver again."""


class SqsTrigger:
    """Answers events of an SQS queue with a partial batch response."""

    def __init__(self, process: Process, queue: Queue, telemetry: Telemetry) -> None:
        self._process = process
        self._queue = queue
        self._telemetry = telemetry

    def __call__(self, event: dict[str, Any], context: Context) -> PartialBatchResponse:
        """Answers one event."""
        deadline = Deadline.of(context, SAFETY_MARGIN)
        self._telemetry.request_started(context.aws_request_id)
        deliveries = [_delivery(record) for record in event["Records"]]
        outcomes: Outcomes = {}
        try:
            outcomes = self._process(deliveries, deadline)
        except Exception as error:  # noqa: BLE001 - the edge: all messages are delivered again, the log has the trace
            self._telemetry.unexpected(error)
        delays = {one.receipt: outcomes.get(one.message_id) for one in deliveries}
        self._queue.postpone({receipt: delay for receipt, delay in delays.items() if delay is not None})
        again = [one.message_id for one in deliveries if outcomes.get(one.message_id, 0) is not None]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in again]}


def _delivery(record: Mapping[str, Any]) -> Delivery:
    return Delivery(
        message_id=record["messageId"],
        body=record["body"],
        receipt=record["receiptHandle"],
        receives=int(record["attributes"]["ApproximateReceiveCount"]),
        sent=int(record["attributes"]["SentTimestamp"]),
    )
