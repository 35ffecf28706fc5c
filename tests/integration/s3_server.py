"""AWS over HTTP, for clients that are not in this process: moto, with everything that was asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

REFUSED = '<?xml version="1.0"?><Error><Code>{}</Code><Message>secret-key of secret-bucket</Message></Error>'


class Request(NamedTuple):
    """What was asked for.

    Attributes:
        service: Name of the service, as the signature has it.
        operation: `ListObjectsV2` or `GetObject`, for S3.
        key: Key of the object; empty for a list.
        range: The range of its bytes.
        etag: The generation that it must be.
    """

    service: str
    operation: str
    key: str
    range: str | None
    etag: str | None


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """Writes no line for each request."""


class S3Server:
    """A server for as long as the tests run. It has the buckets of moto in this process.

    Attributes:
        url: Its address.
        requests: Everything that was asked for.
        before: Called before each answer.
        refusal: Status and code of what is answered instead.
        cut_short: How many of the next objects lose their end on the way.
    """

    def __init__(self) -> None:
        self._moto: Any = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.reset()

    def reset(self) -> None:
        """Forgets what was asked for, and answers as S3 does."""
        self.requests: list[Request] = []
        self.before: Callable[[Request], object] = lambda _: None
        self.refusal: tuple[int, str] | None = None
        self.cut_short = 0

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers a request."""
        _, _, key = unquote(environ["PATH_INFO"])[1:].partition("/")
        operation = "GetObject" if key else "ListObjectsV2"
        scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split("/")
        service = scope[3] if len(scope) > 3 else ""  # key, date, region, service
        request = Request(service, operation, key, environ.get("HTTP_RANGE"), environ.get("HTTP_IF_MATCH"))
        self.requests.append(request)
        self.before(request)
        if self.refusal is not None:
            status, code = self.refusal
            start_response(f"{status} Refused", [("Content-Type", "application/xml")])
            return [REFUSED.format(code).encode()] if code else []
        answer: Iterable[bytes] = self._moto(environ, start_response)
        if key and self.cut_short:
            self.cut_short -= 1
            return [b"".join(answer)[:-1]]
        return answer
