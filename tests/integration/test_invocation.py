"""Calls of another function: signed as botocore signs, repeated where nothing ran, and only there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from triptych.aws import invocation
from triptych.aws.invocation import FunctionBusy, RemoteFunction
from triptych.aws.signature import Credentials, EnvironmentCredentials, Post, Scope, signed
from triptych.clock import Deadline
from triptych.errors import DeadlineExceeded, PayloadTooLarge, ServiceUnavailable

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:triptych-inference:live"
ESCAPED = "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Atriptych-inference%3Alive"

type Reply = tuple[int, dict[str, str], bytes]
OK: Reply = (200, {}, b'{"answer": 1}')
THROTTLED: Reply = (429, {"X-Amzn-ErrorType": "TooManyRequestsException"}, b"{}")


@dataclass
class Lambda:
    """A service that replies what it is told, and the last of it from then on.

    Attributes:
        replies: What it replies; None closes the connection without a word, a number waits so many seconds.
        requests: Path, headers and body of each request.
        url: Where it is.
    """

    replies: list[Reply | float | None] = field(default_factory=lambda: [OK])
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def next(self) -> Reply | None:
        """Returns the next reply."""
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, float):
            time.sleep(reply)
            return OK
        return reply


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambda]:
    """A service on this machine that functions call instead of Lambda."""
    service = Lambda()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.requests.append((self.path, dict(self.headers), body))
            reply = service.next()
            if reply is None:
                self.close_connection = True
                return
            status, headers, content = reply
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as the base class has it
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base class has it
            """A caller that did not wait is no error here."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    yield service
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def function(service: Lambda) -> Iterator[RemoteFunction]:
    """The function of the service."""
    assert service
    function = RemoteFunction(ARN, "the inference function")
    yield function
    function.close()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    monkeypatch.setattr(invocation, "_FIRST_WAIT", 0.01)


def call(function: Callable[[bytes, Deadline], bytes], seconds: float = 10) -> bytes:
    """Calls the function with some event."""
    return function(b'{"x": 1}', Deadline.after(seconds))


def test_call(service: Lambda, function: RemoteFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event goes to the function's path, with the trace of the request; calls share a connection."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3")
    assert b'{"answer": 1}' == call(function) == call(function)
    (path, headers, body), _ = service.requests
    assert f"/2015-03-31/functions/{ESCAPED}/invocations" == path
    assert ("Root=1-2-3", b'{"x": 1}') == (headers["X-Amzn-Trace-Id"], body)
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/")


@pytest.mark.parametrize("reply", [THROTTLED, (500, {}, b"{}"), (502, {}, b"{}"), (409, {}, b"{}"), None])
def test_what_did_not_run_is_repeated(service: Lambda, function: RemoteFunction, reply: Reply | None) -> None:
    """A function without a free environment is asked again, also where the connection broke."""
    service.replies = [reply, reply, OK]
    assert b'{"answer": 1}' == call(function)
    assert 3 == len(service.requests)


def test_busy_all_the_time(service: Lambda, function: RemoteFunction) -> None:
    """The time of the caller bounds the retries; the answer says when to come again."""
    service.replies = [THROTTLED]
    started = time.monotonic()
    with pytest.raises(FunctionBusy, match="all environments of the inference function are busy") as error:
        call(function, 0.5)
    assert time.monotonic() - started < 1
    assert (503, 2) == (error.value.status, error.value.retry_after)
    assert len(service.requests) > 2


def test_what_may_run_is_not_repeated(service: Lambda, function: RemoteFunction) -> None:
    """A function that does not answer in time is not called a second time."""
    service.replies = [2.0]
    with pytest.raises(DeadlineExceeded, match="the inference function did not answer in time"):
        call(function, 0.1)
    assert 1 == len(service.requests)
    service.replies = [OK]
    assert b'{"answer": 1}' == call(function)


def test_idle_connection_was_closed(service: Lambda, function: RemoteFunction) -> None:
    """A connection that the service closed meanwhile is opened again, without a wait."""
    call(function)
    service.replies = [None, OK]
    assert b'{"answer": 1}' == call(function, 0.4)


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        ((413, {}, b"{}"), PayloadTooLarge, "the inference function cannot be sent so much at once"),
        (
            (403, {"X-Amzn-ErrorType": "AccessDeniedException:http://internal/"}, b"{}"),
            ServiceUnavailable,
            "the inference function cannot be called: AccessDeniedException$",
        ),
        (
            (
                200,
                {"X-Amz-Function-Error": "Unhandled"},
                b'{"errorMessage": "x Task timed out after 9 s"}',
            ),
            DeadlineExceeded,
            "the inference function ran into its timeout",
        ),
        (
            (200, {"X-Amz-Function-Error": "Unhandled"}, b'{"errorType": "Runtime.ExitError"}'),
            ServiceUnavailable,
            "the inference function failed; its log says why",
        ),
    ],
)
def test_failures(
    service: Lambda, function: RemoteFunction, reply: Reply, error: type[Exception], message: str
) -> None:
    """What cannot succeed is an error at once, in words that name no function of ours."""
    service.replies = [reply]
    with pytest.raises(error, match=message):
        call(function)
    assert 1 == len(service.requests)


def test_nothing_listens(monkeypatch: pytest.MonkeyPatch, service: Lambda) -> None:
    """A service that is not there is asked until the time is over."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:1")
    assert service.url
    with pytest.raises(ServiceUnavailable, match="cannot be called: ConnectionRefusedError"):
        call(RemoteFunction(ARN, "the inference function"), 0.2)


@pytest.mark.parametrize("token", ["", "a-session-token"])
@pytest.mark.parametrize("path", [f"/2015-03-31/functions/{ESCAPED}/invocations", "/plain"])
def test_signature(path: str, token: str) -> None:
    """Headers are those that botocore makes."""
    now = datetime(2026, 1, 31, 12, 30, 15, tzinfo=UTC)
    body = b'{"x": "\xc3\xa4"}'
    request = AWSRequest("POST", f"https://lambda.eu-west-1.amazonaws.com{path}", data=body)
    with patch("botocore.auth.get_current_datetime", return_value=now.replace(tzinfo=None)):
        SigV4Auth(BotoCredentials("AKID", "secret", token or None), "lambda", "eu-west-1").add_auth(request)
    post = Post("lambda.eu-west-1.amazonaws.com", path, body)
    ours = signed(post, Credentials("AKID", "secret", token), Scope("eu-west-1", "lambda"), now)
    assert request.headers["Authorization"] == ours["authorization"]
    assert request.headers["X-Amz-Date"] == ours["x-amz-date"]


def test_credentials_that_are_not_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Lambda restored a snapshot, botocore finds and renews them."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    with patch("botocore.session.Session.get_credentials", return_value=BotoCredentials("a", "b", "c")):
        assert Credentials("a", "b", "c") == EnvironmentCredentials()()


def test_endpoint_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an endpoint of one's own, that of the region, also in China."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"):
        monkeypatch.delenv(name, raising=False)
    assert "https://lambda.eu-west-1.amazonaws.com" == invocation.endpoint("eu-west-1")
    assert "https://lambda.cn-north-1.amazonaws.com.cn" == invocation.endpoint("cn-north-1")
