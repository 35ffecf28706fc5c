"""Queues of SQS: messages are sent, and delivered again after a visibility delay."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import batched
from typing import NamedTuple

from triptych.aws.clients import AwsClients
from triptych.aws.errors import AWS_FAILURES, LOGGER, reaching

NOT_IN_SQS = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}
"""Characters that SQS does not accept in messages, and how JSON escapes them."""

LONGEST_DELAY = 42_300
"""Seconds that a message can be delayed: SQS counts twelve hours from its delivery, to a function that may
have had it for fifteen minutes."""

_MAX_ENTRIES = 10  # of one request


class Delivery(NamedTuple):
    """A message as it is delivered to a consumer.

    Attributes:
        receives: How often it was delivered, this time included.
        sent: When it was sent, in milliseconds since 1970.
    """

    message_id: str
    body: str
    receipt: str
    receives: int
    sent: int


Outcomes = Mapping[str, int | None]
"""By message id: None when the message is done, else the seconds until it is delivered again."""


class Queue:
    """A queue that messages are sent to, and delivered from."""

    def __init__(self, clients: AwsClients, url: str) -> None:
        self._clients = clients
        self._url = url

    def send(self, message: str, delay: int = 0) -> None:
        """Sends a message, which is delivered after `delay` seconds.

        Raises:
            ServiceUnavailable: SQS cannot be reached; the message may have been sent all the same.
        """
        with reaching("the queue of jobs"):
            self._clients.sqs.send_message(QueueUrl=self._url, MessageBody=message, DelaySeconds=delay)

    def postpone(self, deliveries: Mapping[str, int]) -> None:
        """Sets after how many seconds messages are delivered again, by their receipts.

        Where that fails, it is when their visibility timeout ends.
        """
        for some in batched(deliveries.items(), _MAX_ENTRIES, strict=False):
            try:
                self._postpone(some)
            except AWS_FAILURES as error:
                LOGGER.warning("messages come again when the queue says: %s", error)

    def _postpone(self, deliveries: tuple[tuple[str, int], ...]) -> None:
        answer = self._clients.sqs.change_message_visibility_batch(
            QueueUrl=self._url,
            Entries=[
                {
                    "Id": str(number),
                    "ReceiptHandle": receipt,
                    "VisibilityTimeout": min(seconds, LONGEST_DELAY),
                }
                for number, (receipt, seconds) in enumerate(deliveries)
            ],
        )
        for failed in answer.get("Failed", []):
            LOGGER.warning("a message comes again when the queue says: %s", failed.get("Message"))
