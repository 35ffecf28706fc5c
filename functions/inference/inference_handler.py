"""Running models for the other functions: a request for a model's own tensors in, its answer out."""

from typing import Any

from triptych.clock import Context
from triptych.deployment import Deployment

_APPLICATION = Deployment().inference()


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Answers one request.

    Args:
        event: As of API Gateway's REST proxy integration, made by another function.
        context: Lambda's context.

    Returns:
        The answer in the same form; failures are answers too.
    """
    return _APPLICATION(event, context)
