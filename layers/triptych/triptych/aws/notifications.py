"""Notifications of what has ended, through SNS and EventBridge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from triptych.aws.clients import AwsClients
from triptych.aws.errors import LOGGER, reaching
from triptych.aws.queue import NOT_IN_SQS
from triptych.errors import ServiceUnavailable
from triptych.protocol.json_document import dump

BUS = "the event bus"

MAX_ENDS = 10
"""Ends that SNS and EventBridge accept in one request."""

_MAX_SUBJECT = 100  # characters, of any message


class Notification(NamedTuple):
    """The notification of an end.

    Attributes:
        kind: What happened, such as `Job succeeded`.
        model: Name of the model; None for several.
        attributes: Message attributes for filter policies of subscriptions; None is left out.
    """

    source: str
    kind: str
    model: str | None
    message: Mapping[str, object]
    attributes: Mapping[str, str | None]


class Notifier[Ended]:
    """Publishes ends to a topic, and puts them on the default event bus."""

    def __init__(
        self, clients: AwsClients, topic_arn: str, topic: str, describe: Callable[[Ended], Notification]
    ) -> None:
        self._clients = clients
        self._topic_arn = topic_arn
        self._topic = topic
        self._describe = describe

    def publish(self, ended: Sequence[Ended], /) -> None:
        """Notifies all subscribers of some ends, `MAX_ENDS` at most.

        Raises:
            ServiceUnavailable: Some subscribers may not have been notified of some ends.
        """
        notifications = [self._describe(end) for end in ended]
        messages = [dump(each.message).decode().translate(NOT_IN_SQS) for each in notifications]
        self._publish(notifications, messages)
        self._put_events(notifications, messages)

    def _publish(self, notifications: Sequence[Notification], messages: Sequence[str]) -> None:
        with reaching(self._topic):
            answer = self._clients.sns.publish_batch(
                TopicArn=self._topic_arn,
                PublishBatchRequestEntries=[
                    {
                        "Id": str(number),
                        "Subject": _subject(notification),
                        "Message": message,
                        "MessageAttributes": {
                            name: {"DataType": "String", "StringValue": value}
                            for name, value in notification.attributes.items()
                            if value is not None
                        },
                    }
                    for number, (notification, message) in enumerate(
                        zip(notifications, messages, strict=True)
                    )
                ],
            )
        _check(self._topic, answer.get("Failed"))

    def _put_events(self, notifications: Sequence[Notification], messages: Sequence[str]) -> None:
        with reaching(BUS):
            answer = self._clients.events.put_events(
                Entries=[
                    {"Source": notification.source, "DetailType": notification.kind, "Detail": message}
                    for notification, message in zip(notifications, messages, strict=True)
                ]
            )
        _check(BUS, [entry for entry in answer["Entries"] if "ErrorCode" in entry])


def _check(what: str, refused: object) -> None:
    if refused:
        LOGGER.warning("%s: %s", what, refused)
        raise ServiceUnavailable(f"{what} cannot be reached: it refused a notification")


def _subject(notification: Notification) -> str:
    kind, model = notification.kind, notification.model
    return (kind if model is None else f"{kind}: {model}")[:_MAX_SUBJECT]
