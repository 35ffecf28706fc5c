"""A step of the state machine of batches: chunk."""

from typing import Any

from triptych.aws.consumer import Context
from triptych.deployment import Deployment

_STEP = Deployment().batch_step("chunk")


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Goes on with a chunk.

    Args:
        event: Message of the state machine; see `triptych.batches.steps`.
        context: Lambda's context.

    Returns:
        What the state machine goes on with.
    """
    return _STEP(event, context)
