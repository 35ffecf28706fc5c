"""A step of the state machine of batches: plan."""

from typing import Any

from triptych.aws.consumer import Context
from triptych.deployment import Deployment

_STEP = Deployment().batch_step("plan")


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Plans a batch: files and chunks in the bucket for work.

    Args:
        event: Message of the state machine; see `triptych.batches.steps`.
        context: Lambda's context.

    Returns:
        What the state machine goes on with.
    """
    return _STEP(event, context)
