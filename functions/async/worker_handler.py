"""Running jobs: a batch of messages in, those that come again out."""

from typing import Any

from triptych.clock import Context
from triptych.deployment import Deployment

_WORKER = Deployment().job_worker()


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Runs the jobs of a batch.

    Args:
        event: SQS event.
        context: Lambda's context.

    Returns:
        The partial batch response: ids of the messages that come again.
    """
    return {**_WORKER(event, context)}
