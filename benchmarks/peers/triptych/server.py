"""The handler on uvicorn: each request is made an event of API Gateway, as AWS makes it."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.contestants import triptych
from benchmarks.requests import event

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Gateway:
    """An ASGI application for predictions.

    Args:
        models: The model repository.
    """

    def __init__(self, models: Path) -> None:
        self._handler = triptych.handler(models)
        self._example = event("tiny", "infer", b"", {})

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            return
        result = self._handler(self._event(scope, await _body(receive)))
        body = result["body"]
        content = base64.b64decode(body) if result["isBase64Encoded"] else body.encode()
        headers = [(name.lower().encode(), value.encode()) for name, value in result["headers"].items()]
        headers.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": result["statusCode"], "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _event(self, scope: Message, body: bytes) -> dict[str, Any]:
        _, _, _, model, action = scope["path"].split("/")
        return {
            **self._example,
            "resource": f"/v2/models/{{model}}/{action}",
            "path": scope["path"],
            "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
            "pathParameters": {"model": model},
            "body": base64.b64encode(body).decode("ascii"),
        }


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


if __name__ == "__main__":
    gateway = Gateway(Path(sys.argv[1]).parents[2])
    with Path(os.devnull).open("w", buffering=1, encoding="utf-8") as logs, redirect_stdout(logs):
        uvicorn.run(gateway, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
