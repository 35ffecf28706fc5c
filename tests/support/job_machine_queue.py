"""SQS as it may behave: messages come in any order, again, and at last as dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

RECEIVES = 5
"""How often a message is delivered before it is a dead letter."""


@dataclass
class Message:
    """A message.

    Attributes:
        id: Its id.
        body: Its text.
        receives: How often it was delivered.
    """

    id: str
    body: str
    receives: int = 0

    def record(self, now: int) -> dict[str, Any]:
        """Delivers it once more: its record in an event."""
        self.receives += 1
        return {
            "messageId": self.id,
            "receiptHandle": f"{self.id}/{self.receives}",
            "body": self.body,
            "attributes": {"ApproximateReceiveCount": str(self.receives), "SentTimestamp": str(now)},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:machine-jobs",
            "awsRegion": "us-east-1",
        }


@dataclass
class Queue:
    """A queue and the function that it triggers.

    Attributes:
        handle: The function: an event in, its answer out.
        done: Is told every message that is done.
        messages: Messages that are not done.
    """

    handle: Callable[[dict[str, Any]], Any]
    done: Callable[[Message], object]
    messages: list[Message] = field(default_factory=list)

    def worn(self) -> list[Message]:
        """Takes out messages that were delivered too often."""
        worn = [message for message in self.messages if message.receives >= RECEIVES]
        self.messages = [message for message in self.messages if message not in worn]
        return worn

    def deliver(self, messages: Sequence[Message], now: int) -> None:
        """Delivers a batch; the same message may be in it twice."""
        if not messages:
            return
        answer = self.handle({"Records": [message.record(now) for message in messages]})
        again = {failed["itemIdentifier"] for failed in answer["batchItemFailures"]}
        done = [message for message in self.messages if message in messages and message.id not in again]
        self.messages = [message for message in self.messages if message not in done]
        for message in done:
            self.done(message)
