"""The steps of the state machine of batches: plan, chunk, merge."""

from typing import Any

from triptych.clock import Context
from triptych.deployment import Deployment

_STEPS = Deployment().steps()


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Runs one step.

    Args:
        event: Message of the state machine, which names the `step`; see `triptych.batches.steps`.
        context: Lambda's context.

    Returns:
        What the state machine goes on with.
    """
    return _STEPS(event, context)
