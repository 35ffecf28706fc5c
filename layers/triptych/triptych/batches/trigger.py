"""The entry of the function that takes uploads: from SQS, or from S3 itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from triptych.aws.consumer import SAFETY_MARGIN, SqsTrigger
from triptych.aws.queue import Delivery, Outcomes, Queue
from triptych.batches.telemetry import BatchTelemetry
from triptych.clock import Context, Deadline

Take = Callable[[dict[str, Any], Deadline], int | None]
"""Deals with an event; gives the seconds after which it shall be told again, None when it shall not."""


class S3Trigger:
    """Answers events of S3, bare or in messages of SQS.

    Args:
        take: Deals with an event of S3.
        queue: Where messages come from.
        observer: Is told about what fails.
    """

    def __init__(self, take: Take, queue: Queue, observer: BatchTelemetry) -> None:
        self._take = take
        self._queue = queue
        self._observer = observer
        self._messages = SqsTrigger(self._process, queue, observer)

    def __call__(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Answers one event.

        Args:
            event: Event of SQS or S3.
            context: Lambda's context.

        Returns:
            The partial batch response; nothing for S3, which repeats what fails with an error.
        """
        records = event.get("Records") or [{}]
        if records[0].get("eventSource") == "aws:sqs":
            return {**self._messages(event, context)}
        self._observer.request_started(context.aws_request_id)
        self._take(event, Deadline.of(context, SAFETY_MARGIN))
        return {}

    def _process(self, deliveries: Sequence[Delivery], deadline: Deadline) -> Outcomes:
        """Deals with messages one by one; while it does, nobody else is given them."""
        held = round(max(deadline.remaining, 0)) + 5
        self._queue.postpone({delivery.receipt: held for delivery in deliveries})
        outcomes: dict[str, int | None] = {}
        for delivery in deliveries:
            try:
                outcomes[delivery.message_id] = self._take(orjson.loads(delivery.body), deadline)
            except Exception as error:  # noqa: BLE001 - the others are dealt with; this one comes again
                self._observer.unexpected(error)
                outcomes[delivery.message_id] = 60
        again = sum(seconds is not None for seconds in outcomes.values())
        self._observer.messages_ended(len(deliveries), again)
        return outcomes
