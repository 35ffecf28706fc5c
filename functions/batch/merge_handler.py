"""A step of the state machine of batches: merge."""

from typing import Any

from triptych.aws.consumer import Context
from triptych.deployment import Deployment

_STEP = Deployment().batch_step("merge")


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Joins a file, or ends a batch.

    Args:
        event: Message of the state machine; see `triptych.batches.steps`.
        context: Lambda's context.

    Returns:
        What the state machine goes on with.
    """
    return _STEP(event, context)
