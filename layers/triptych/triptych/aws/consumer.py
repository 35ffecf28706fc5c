"""The entry of functions that SQS triggers: a batch of messages in, those that come again out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from triptych.aws.telemetry import Observer
from triptych.clock import Deadline

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse


from triptych.aws.queue import Delivery, JobQueue, Outcomes

SAFETY_MARGIN = 2.0
"""Seconds kept for saying which messages come again, and when."""

Process = Callable[[Sequence[Delivery], Deadline], Outcomes]
"""Deals with messages; those that it says nothing about come again."""


class Context(Protocol):
    """What Lambda tells about the invocation."""

    @property
    def aws_request_id(self) -> str:
        """Id of the invocation."""
        ...

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        ...


class SqsTrigger:
    """Answers events of an SQS queue with a partial batch response.

    Args:
        process: Deals with the messages of an event.
        queue: Where they came from; None when messages are not to be put off.
        observer: Is told about what fails.
    """

    def __init__(self, process: Process, queue: JobQueue | None, observer: Observer) -> None:
        self._process = process
        self._queue = queue
        self._observer = observer

    def __call__(self, event: dict[str, Any], context: Context) -> PartialItemFailureResponse:
        """Answers one event.

        Args:
            event: Event of SQS.
            context: Lambda's context.
        """
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - SAFETY_MARGIN)
        self._observer.request_started(context.aws_request_id)
        deliveries = [_delivery(SQSRecord(record)) for record in event["Records"]]
        outcomes = self._outcomes(deliveries, deadline)
        self._postpone(deliveries, outcomes)

        def judge(record: SQSRecord) -> None:
            if outcomes.get(record.message_id, 0) is not None:
                raise _ComesAgain

        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(event, judge, processor)

    def _outcomes(self, deliveries: Sequence[Delivery], deadline: Deadline) -> Outcomes:
        try:
            return self._process(deliveries, deadline)
        except Exception as error:  # noqa: BLE001 - the edge: all messages come again, the log has the trace
            self._observer.unexpected(error)
            return {}

    def _postpone(self, deliveries: Sequence[Delivery], outcomes: Outcomes) -> None:
        if self._queue is None:
            return
        postponed = {
            delivery.receipt: seconds
            for delivery in deliveries
            if (seconds := outcomes.get(delivery.message_id)) is not None
        }
        self._queue.postpone(postponed)


class _ComesAgain(Exception):
    """How Powertools is told that a message is not dealt with."""


def _delivery(record: SQSRecord) -> Delivery:
    return Delivery(
        message_id=record.message_id,
        body=record.body,
        receipt=record.receipt_handle,
        receives=int(record.attributes.approximate_receive_count),
        sent=int(record.attributes.sent_timestamp),
    )
