"""The sweep: ends jobs that were not started in time, and tells ends that were not told."""

from triptych.clock import Context
from triptych.deployment import Deployment

_SWEEP = Deployment().sweep()


def handler(_event: object, context: Context) -> dict[str, int]:
    """Looks after jobs that nobody else looks after.

    Args:
        context: Lambda's context.

    Returns:
        How many jobs were settled, and with how many that did not work.
    """
    return _SWEEP(context)
