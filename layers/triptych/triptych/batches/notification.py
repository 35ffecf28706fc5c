"""The notification of the end of a batch.

| field | what it holds |
|---|---|
| awsRegion, eventVersion, eventSource, eventName | as those of jobs; the source is `triptych.batches` |
| receivedTime, eventTime | when the batch was submitted, when it ended |
| batchId, batchStatus | its id, its status |
| failureReason | why, when it failed |
| batch | the batch as `GET /v2/batches/{id}` shows it |
"""

from __future__ import annotations

from functools import partial

from triptych.aws.clients import AwsClients
from triptych.aws.notifications import Notification, Notifier
from triptych.batches.batch import Batch
from triptych.batches.document import document
from triptych.lifecycle.notification import event_of, notification_of

SOURCE = "triptych.batches"


def batch_notifier(clients: AwsClients, topic_arn: str, region: str) -> Notifier[Batch]:
    """Returns what publishes the end of a batch; a notification names the region."""
    return Notifier(clients, topic_arn, "the topic of batches", partial(_notification, region=region))


def notification(batch: Batch, region: str) -> dict[str, object]:
    """Describes how a batch ended.

    Args:
        batch: A batch with a final status.
        region: AWS region that it ran in.
    """
    described: dict[str, object] = {
        **event_of(batch, SOURCE, "BatchTransform", region),
        "batchId": batch.id,
        "batchStatus": batch.status,
        "batch": document(batch, batch.ended or batch.created),
    }
    return described | ({"failureReason": batch.error.message} if batch.error else {})


def kind(batch: Batch) -> str:
    """Names what happened, such as `Batch succeeded with errors`."""
    return f"Batch {batch.status.replace('_', ' ')}"


def _notification(batch: Batch, region: str) -> Notification:
    return notification_of(batch, SOURCE, kind(batch), notification(batch, region))
