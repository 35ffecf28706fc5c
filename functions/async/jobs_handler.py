"""Jobs over HTTP: an API Gateway event in, a job out."""

from typing import Any

from triptych.clock import Context
from triptych.deployment import Deployment

_APPLICATION = Deployment().jobs()


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Answers one request.

    Args:
        event: API Gateway REST proxy event.
        context: Lambda's context.

    Returns:
        The answer in the form that the proxy integration takes; failures are answers too.
    """
    return _APPLICATION(event, context)
