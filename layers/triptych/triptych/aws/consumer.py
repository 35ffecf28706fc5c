"""The entry of functions that SQS triggers: a batch of messages in, those to deliver again out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from triptych.aws.queue import Delivery, Outcomes, Queue
from triptych.aws.telemetry import Telemetry
from triptych.clock import Context, Deadline

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse

SAFETY_MARGIN = 2.0
"""Seconds kept for the answer."""

Process = Callable[[Sequence[Delivery], Deadline], Outcomes]
"""Processes messages; those without an outcome are delivered again."""


class SqsTrigger:
    """Answers events of an SQS queue with a partial batch response.

    Args:
        process: Processes the messages of an event.
        queue: Queue of the messages.
        telemetry: Logs what fails.
    """

    def __init__(self, process: Process, queue: Queue, telemetry: Telemetry) -> None:
        self._process = process
        self._queue = queue
        self._telemetry = telemetry

    def __call__(self, event: dict[str, Any], context: Context) -> PartialItemFailureResponse:
        """Answers one event.

        Args:
            event: Event of SQS.
            context: Lambda's context.
        """
        deadline = Deadline.of(context, SAFETY_MARGIN)
        self._telemetry.request_started(context.aws_request_id)
        deliveries = [_delivery(SQSRecord(record)) for record in event["Records"]]
        outcomes = self._outcomes(deliveries, deadline)
        self._postpone(deliveries, outcomes)

        def report(record: SQSRecord) -> None:
            if outcomes.get(record.message_id, 0) is not None:
                raise _NotDone

        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(event, report, processor)

    def _outcomes(self, deliveries: Sequence[Delivery], deadline: Deadline) -> Outcomes:
        try:
            return self._process(deliveries, deadline)
        except Exception as error:  # noqa: BLE001 - the edge: all messages are delivered again, the log has the trace
            self._telemetry.unexpected(error)
            return {}

    def _postpone(self, deliveries: Sequence[Delivery], outcomes: Outcomes) -> None:
        postponed = {
            delivery.receipt: seconds
            for delivery in deliveries
            if (seconds := outcomes.get(delivery.message_id)) is not None
        }
        self._queue.postpone(postponed)


class _NotDone(Exception):
    """Reports to Powertools that a message is not done."""


def _delivery(record: SQSRecord) -> Delivery:
    return Delivery(
        message_id=record.message_id,
        body=record.body,
        receipt=record.receipt_handle,
        receives=int(record.attributes.approximate_receive_count),
        sent=int(record.attributes.sent_timestamp),
    )
