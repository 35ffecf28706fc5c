"""API Gateway in a few lines: HTTP requests in, proxy events to an application, its results out."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from triptych.http.application import Context
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

Handler = Callable[[Mapping[str, Any], Context], Mapping[str, Any]]


class FakeContext:
    """A Lambda context of an invocation that has just begun."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return 28_000


class Gateway:
    """A WSGI application that stands where API Gateway stands.

    Args:
        handler: The function behind it.
        routes: Method and resource of every route.
        key: The API key.
    """

    def __init__(self, handler: Handler, routes: Iterable[tuple[str, str]], key: str) -> None:
        self._handler = handler
        # Fixed segments win over parameters.
        self._routes = [
            (*route, _pattern(route[1])) for route in sorted(routes, key=lambda route: route[1].count("{"))
        ]
        self._key = key
        self._one_at_a_time = threading.Lock()  # as an execution environment works

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        """Answers one HTTP request."""
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        route = self._route(request)
        if route is None:
            return _error(404, "no such path or method")
        resource, values = route
        if not resource.startswith("/v2/health/") and request.headers.get("x-api-key") != self._key:
            return _error(403, "the header x-api-key is missing or holds no valid API key")
        with self._one_at_a_time:
            result = self._handler(_event(request, resource, values), FakeContext())
        body = result["body"]
        content = base64.b64decode(body) if result["isBase64Encoded"] else body.encode()
        return Response(content, result["statusCode"], result["headers"])

    def _route(self, request: Request) -> tuple[str, dict[str, str]] | None:
        path = urlsplit(request.environ["REQUEST_URI"]).path
        for method, resource, pattern in self._routes:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                return resource, {name: unquote(value) for name, value in match.groupdict().items()}
        return None


@contextmanager
def serve(gateway: Gateway) -> Iterator[str]:
    """Serves on a free port of this machine until the block ends; gives the URL, without a trailing slash."""
    server = make_server("127.0.0.1", 0, gateway, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ANN401 - as the base class has it
        pass


def _pattern(resource: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(resource)))


def _event(request: Request, resource: str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "resource": resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(request.headers),
        "pathParameters": values or None,
        "queryStringParameters": dict(request.args.items()) or None,
        "requestContext": {"requestId": FakeContext.aws_request_id, "resourcePath": resource, "stage": "api"},
        "body": base64.b64encode(request.get_data()).decode("ascii") or None,
        "isBase64Encoded": True,
    }


def _error(status: int, message: str) -> Response:
    return Response(f'{{"error": "{message}"}}', status, content_type="application/json")
