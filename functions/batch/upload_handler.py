"""Files that are dropped: an event of S3 in, predictions in the bucket of outputs."""

from typing import Any

from triptych.clock import Context
from triptych.deployment import Deployment

_UPLOADS = Deployment().uploads()


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Transforms small files, and hands large ones to the state machine; starts scheduled batches.

    Args:
        event: Event of S3, bare or in messages of SQS; of the scheduler; of the end of an execution.
        context: Lambda's context.

    Returns:
        For messages the partial batch response: ids of those that come again.
    """
    return _UPLOADS(event, context)
