"""A queue that hears of jobs or batches, as a program of a user's would."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

from local.stack import StackInfo

WAIT = 20  # seconds: what is told is told at once
POLICY = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    },
}


class Listener:
    """A queue of one's own beside the stack.

    Args:
        stack: The stack.
    """

    def __init__(self, stack: StackInfo) -> None:
        self._stack = stack
        self._sqs = self._client("sqs")
        created = self._sqs.create_queue(
            QueueName=f"listener-{uuid4()}", Attributes={"Policy": json.dumps(POLICY)}
        )
        self._url = created["QueueUrl"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self._arn = answer["Attributes"]["QueueArn"]

    def subscribe(self, topic: str = "JobsTopicArn", **wanted: list[str]) -> None:
        """Listens to a topic.

        Args:
            topic: Output of the stack that tells which.
            **wanted: The filter policy: values by attribute.
        """
        self._client("sns").subscribe(
            TopicArn=self._stack.outputs[topic],
            Protocol="sqs",
            Endpoint=self._arn,
            Attributes={"FilterPolicy": json.dumps(wanted), "RawMessageDelivery": "true"},
        )

    def follow(self, pattern: dict[str, Any]) -> None:
        """Listens to the event bus.

        Args:
            pattern: What events it wants.
        """
        events, rule = self._client("events"), f"rule-{uuid4()}"
        events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, Targets=[{"Id": "listener", "Arn": self._arn}])

    def heard(self) -> list[dict[str, Any]]:
        """Waits until there is something, and gives all that is there."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            if answer.get("Messages"):
                return [json.loads(message["Body"]) for message in answer["Messages"]]
            time.sleep(0.2)
        return []

    def _client(self, service: str) -> Any:  # noqa: ANN401 - of any service
        return self._stack.aws().client(service)
