"""What a failure looks like: a string in the protocol, and what the clients of other routes read."""

from __future__ import annotations

from typing import Any

from triptych.errors import BadField, NotFound, TriptychError

MAX_MESSAGE = 2000
"""Characters of an error's message: what it quotes of the request can be as long as the request."""


def failure_body(resource: str, error: TriptychError) -> dict[str, Any]:
    """Returns the body of the answer to a request that failed.

    Args:
        resource: Path of the request with its parameters unfilled.
        error: Why it failed.
    """
    message = str(error)[:MAX_MESSAGE]
    if resource.startswith("/openai/"):
        return {"error": _openai(error, message)}
    if resource == "/v1/rerank":
        return {"message": message, "detail": message}  # of Cohere, and of Jina
    return {"error": message}


def _openai(error: TriptychError, message: str) -> dict[str, Any]:
    return {
        "message": message,
        "type": "invalid_request_error" if error.status < 500 else "server_error",
        "param": error.field if isinstance(error, BadField) else None,
        "code": "model_not_found" if isinstance(error, NotFound) else None,
    }
