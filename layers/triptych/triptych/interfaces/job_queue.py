"""The queue that jobs wait in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


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
