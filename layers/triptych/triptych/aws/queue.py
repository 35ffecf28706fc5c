"""Queues of SQS: sending messages, and saying when a message comes again."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import batched
from typing import NamedTuple, Protocol

from triptych.aws.clients import AwsClients
from triptych.aws.errors import AWS_FAILURES, LOGGER, reaching


class Delivery(NamedTuple):
    """A message that was handed to a worker.

    Attributes:
        message_id: Identifies the message; the same in each of its deliveries.
        body: Its text.
        receipt: Identifies the delivery.
        receives: How often it was delivered, this time included.
        sent: When it was sent, in milliseconds since 1970.
    """

    message_id: str
    body: str
    receipt: str
    receives: int
    sent: int


Outcomes = Mapping[str, int | None]
"""What becomes of messages by id: None when they are done, else the seconds until they come again."""


class JobQueue(Protocol):
    """Where messages are sent to."""

    def send(self, message: str, delay: int = 0) -> None:
        """Sends a message.

        Args:
            message: Its text.
            delay: Seconds that it is held back.

        Raises:
            ServiceUnavailable: The queue cannot be reached; the message may have been sent all the same.
        """
        ...

    def postpone(self, deliveries: Mapping[str, int]) -> None:
        """Says when messages that were not dealt with come again. Those for whom that fails come later.

        Args:
            deliveries: Seconds by receipt.
        """
        ...


LONGEST = 42_300
"""Seconds that a message can be put off: SQS counts twelve hours from its delivery, to a function that may
have had it for fifteen minutes."""

_AT_ONCE = 10


NOT_IN_SQS = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}
"""What messages must not hold, and how JSON has it instead."""


class SqsQueue:
    """Sends messages, and says when some of them come again.

    Args:
        clients: Calls AWS.
        url: URL of the queue.
    """

    def __init__(self, clients: AwsClients, url: str) -> None:
        self._clients = clients
        self._url = url

    def send(self, message: str, delay: int = 0) -> None:
        """Sends a message.

        Args:
            message: Its text.
            delay: Seconds that it is held back.

        Raises:
            ServiceUnavailable: SQS cannot be reached; the message may have been sent all the same.
        """
        with reaching("the queue of jobs"):
            self._clients.sqs.send_message(QueueUrl=self._url, MessageBody=message, DelaySeconds=delay)

    def postpone(self, deliveries: Mapping[str, int]) -> None:
        """Says when messages that were not dealt with come again. Those for whom that fails come later.

        Args:
            deliveries: Seconds by receipt.
        """
        for some in batched(deliveries.items(), _AT_ONCE, strict=False):
            try:
                self._postpone(some)
            except AWS_FAILURES as error:
                LOGGER.warning("messages come again when the queue says: %s", error)

    def _postpone(self, deliveries: tuple[tuple[str, int], ...]) -> None:
        answer = self._clients.sqs.change_message_visibility_batch(
            QueueUrl=self._url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": min(seconds, LONGEST)}
                for number, (receipt, seconds) in enumerate(deliveries)
            ],
        )
        for failed in answer.get("Failed", []):
            LOGGER.warning("a message comes again when the queue says: %s", failed.get("Message"))
