"""What is told when a batch ends.

| field | what it holds |
|---|---|
| awsRegion, eventVersion, eventSource, eventName | as those of jobs; the source is `triptych.batches` |
| receivedTime, eventTime | when the batch was handed over, when it ended |
| batchId, batchStatus | its id, its state |
| failureReason | why, when it failed |
| batch | the batch as `GET /v2/batches/{id}` shows it |
"""

from __future__ import annotations

from triptych.batches.batch import Batch
from triptych.batches.document import document
from triptych.protocol.moments import moment

SOURCE = "triptych.batches"


def notification(batch: Batch, region: str) -> dict[str, object]:
    """Describes how a batch ended.

    Args:
        batch: A batch in a final state.
        region: AWS region that it ran in.
    """
    ended = batch.ended or batch.created
    described: dict[str, object] = {
        "awsRegion": region,
        "eventVersion": "1.0",
        "eventSource": SOURCE,
        "eventName": "BatchTransform",
        "receivedTime": moment(batch.created),
        "eventTime": moment(ended),
        "batchId": batch.id,
        "batchStatus": batch.state,
        "batch": document(batch, ended),
    }
    return described | ({"failureReason": batch.error.message} if batch.error else {})


def kind(batch: Batch) -> str:
    """Names what happened, such as `Batch succeeded with errors`."""
    return f"Batch {batch.state.replace('_', ' ')}"
