"""Telling how jobs ended, through SNS and EventBridge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from triptych.adapters.aws_clients import AwsClients
from triptych.adapters.aws_errors import LOGGER, reaching
from triptych.errors import ServiceUnavailable
from triptych.jobs.envelope import NOT_IN_SQS
from triptych.jobs.job import Job
from triptych.jobs.notification import SOURCE, notification
from triptych.protocol.json_body import dump

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

TOPIC, BUS = "the topic of jobs", "the event bus"
_MAX_SUBJECT = 100  # characters, of any message


class AwsNotifier:
    """Publishes the end of a job to a topic, and puts it on the default event bus.

    Args:
        clients: Calls AWS.
        topic_arn: ARN of the topic.
        region: AWS region, which notifications name.
    """

    def __init__(self, clients: AwsClients, topic_arn: str, region: str) -> None:
        self._clients = clients
        self._topic_arn = topic_arn
        self._region = region

    def publish(self, job: Job) -> None:
        """Tells the final state of a job to everybody who listens.

        Raises:
            ServiceUnavailable: Somebody may not have been told.
        """
        message = dump(notification(job, self._region)).decode().translate(NOT_IN_SQS)
        self._publish(job, message)
        self._put_event(job, message)

    def _publish(self, job: Job, message: str) -> None:
        with reaching(TOPIC):
            self._clients.sns.publish(
                TopicArn=self._topic_arn,
                Subject=f"Job {job.status}: {job.model}"[:_MAX_SUBJECT],
                Message=message,
                MessageAttributes=_attributes(job),
            )

    def _put_event(self, job: Job, message: str) -> None:
        with reaching(BUS):
            answer = self._clients.events.put_events(
                Entries=[{"Source": SOURCE, "DetailType": f"Job {job.status}", "Detail": message}]
            )
        if answer["FailedEntryCount"]:
            LOGGER.warning("%s: %s", BUS, answer["Entries"])
            raise ServiceUnavailable(f"{BUS} cannot be reached: it did not take the event")


def _attributes(job: Job) -> dict[str, MessageAttributeValueTypeDef]:
    """Gives what filter policies of subscriptions look at."""
    named = {"status": job.status.value, "model": job.model, "target": job.target}
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in named.items()
        if value is not None
    }
