"""Notifications of what has ended, through SNS and EventBridge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from triptych.aws.clients import AwsClients
from triptych.aws.errors import LOGGER, reaching
from triptych.aws.queue import NOT_IN_SQS
from triptych.errors import ServiceUnavailable
from triptych.protocol.json_document import dump

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

BUS = "the event bus"
_MAX_SUBJECT = 100  # characters, of any message


class Notification(NamedTuple):
    """The notification of an end.

    Attributes:
        source: Source of the event.
        kind: What happened, such as `Job succeeded`.
        model: Name of the model; None for several.
        message: The whole notification.
        attributes: Message attributes for filter policies of subscriptions; None is left out.
    """

    source: str
    kind: str
    model: str | None
    message: Mapping[str, object]
    attributes: Mapping[str, str | None]


class Notifier[Ended]:
    """Publishes an end to a topic, and puts it on the default event bus.

    Args:
        clients: Calls AWS.
        topic_arn: ARN of the topic.
        topic: What the topic is called, such as `the topic of jobs`.
        describe: Makes the notification of an end.
    """

    def __init__(
        self, clients: AwsClients, topic_arn: str, topic: str, describe: Callable[[Ended], Notification]
    ) -> None:
        self._clients = clients
        self._topic_arn = topic_arn
        self._topic = topic
        self._describe = describe

    def publish(self, ended: Ended, /) -> None:
        """Notifies all subscribers.

        Raises:
            ServiceUnavailable: Some of them may not have been notified.
        """
        notification = self._describe(ended)
        message = dump(notification.message).decode().translate(NOT_IN_SQS)
        self._publish(notification, message)
        self._put_event(notification, message)

    def _publish(self, notification: Notification, message: str) -> None:
        subject = (
            notification.kind if notification.model is None else f"{notification.kind}: {notification.model}"
        )
        with reaching(self._topic):
            self._clients.sns.publish(
                TopicArn=self._topic_arn,
                Subject=subject[:_MAX_SUBJECT],
                Message=message,
                MessageAttributes=_attributes(notification.attributes),
            )

    def _put_event(self, notification: Notification, message: str) -> None:
        with reaching(BUS):
            answer = self._clients.events.put_events(
                Entries=[{"Source": notification.source, "DetailType": notification.kind, "Detail": message}]
            )
        if answer["FailedEntryCount"]:
            LOGGER.warning("%s: %s", BUS, answer["Entries"])
            raise ServiceUnavailable(f"{BUS} cannot be reached: it did not take the event")


def _attributes(named: Mapping[str, str | None]) -> dict[str, MessageAttributeValueTypeDef]:
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in named.items()
        if value is not None
    }
