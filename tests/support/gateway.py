"""API Gateway in a few lines: HTTP requests in, proxy events to the functions, their answers out."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from tests.support.realtime import Call, Function


class Gateway:
    """A WSGI application that stands where API Gateway stands.

    Args:
        functions: What answers each route, by method and resource.
        key: The API key.
    """

    def __init__(self, functions: Mapping[tuple[str, str], Function[Any]], key: str) -> None:
        self._functions = functions
        # Fixed segments win over parameters.
        self._routes = [
            (*route, _pattern(route[1])) for route in sorted(functions, key=lambda route: route[1].count("{"))
        ]
        self._key = key
        self._one_at_a_time = threading.Lock()  # as an execution environment works

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        """Answers one HTTP request."""
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        route = self._route(request)
        if route is None:
            return _error(404, "there is no such path or method: see /docs")
        resource, values = route
        if not resource.startswith("/v2/health/") and request.headers.get("x-api-key") != self._key:
            return _error(403, "the header x-api-key is missing or holds no valid API key")
        headers, query = dict(request.headers), dict(request.args.items())
        call = Call(request.method, resource, values, headers, query, request.get_data())
        with self._one_at_a_time:
            answer = self._functions[request.method, resource].handle(call.event())
        return Response(answer.body, answer.status, answer.headers)

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
    greedy = re.sub(r"\\{(\w+)\\\+\\}", r"(?P<\1>.+)", re.escape(resource))
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", greedy))


def _error(status: int, message: str) -> Response:
    return Response(f'{{"error": "{message}"}}', status, content_type="application/json")
