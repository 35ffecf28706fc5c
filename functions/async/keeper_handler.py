"""The keeper of jobs: ends those that nobody else ends, and sends notifications that were lost."""

from typing import Any

from triptych.clock import Context
from triptych.deployment import Deployment

_KEEPER = Deployment().job_keeper()


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Ends the jobs of dead letters; a tick of the schedule sweeps all jobs.

    Args:
        event: SQS event of the dead-letter queue, or a tick.
        context: Lambda's context.

    Returns:
        For messages the partial batch response: ids of those that come again; else what the sweep did.
    """
    return {**_KEEPER(event, context)}
