"""Messages that were given up: each ends its job, with the reason."""

from typing import Any

from triptych.clock import Context
from triptych.deployment import Deployment

_DEAD_LETTERS = Deployment().dead_letters()


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Ends the jobs of a batch of dead letters.

    Args:
        event: SQS event.
        context: Lambda's context.

    Returns:
        The partial batch response: ids of the messages that come again.
    """
    return {**_DEAD_LETTERS(event, context)}
