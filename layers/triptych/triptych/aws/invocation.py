"""Calls another Lambda function, and waits for its result.

Sent here, without boto3: a function that answers requests starts in a fraction of the time. A call is
repeated while no environment is free, or none can be reached; never because an answer takes long.
"""

from __future__ import annotations

import logging
import os
import random
import ssl
import time
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from triptych.aws.signature import EnvironmentCredentials, Post, Scope, signed
from triptych.clock import Deadline
from triptych.errors import DeadlineExceeded, ServiceUnavailable, TooLargeToCarry, TriptychError
from triptych.protocol.json_document import parse_object

LOGGER = logging.getLogger("triptych")

MAX_PAYLOAD = 6 * 2**20
"""Bytes that Lambda accepts, and returns, in one synchronous call; emulators let more pass."""

_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0  # seconds before a call is repeated; doubled each time
_CONNECT = 2.0  # seconds; services in the same region answer in milliseconds
_GRACE = 0.5  # seconds for the answer of a function that ends at the deadline
_THROTTLED = 429
_NOT_RUN = frozenset({409, _THROTTLED, 500, 502, 503})
"""Statuses of calls that Lambda did not run: no environment is free, or the function is being updated."""
_TIMED_OUT = "Task timed out"


class FunctionBusy(ServiceUnavailable):
    """No environment of the function is free."""

    retry_after = 2  # as the gateway says where a function has none


class _Reply(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes


class RemoteFunction:
    """A function that is called synchronously, by its name or ARN with its alias; threads may share it."""

    def __init__(self, address: str, what: str) -> None:
        self._what = what
        self._path = f"/2015-03-31/functions/{quote(address, safe='')}/invocations"
        self._region = os.environ["AWS_REGION"]
        self._url = urlsplit(endpoint(self._region))
        self._tls = ssl.create_default_context() if self._url.scheme == "https" else None
        self._credentials = EnvironmentCredentials()
        self._idle: list[HTTPConnection] = []

    def __call__(self, payload: bytes, deadline: Deadline) -> bytes:
        """Calls the function with an event in JSON, and returns its result in JSON.

        Raises:
            DeadlineExceeded: There was none in time.
            FunctionBusy: No environment was free in all that time.
            TooLargeToCarry: The event is larger than a call can carry.
            ServiceUnavailable: It cannot be called, or failed.
        """
        pause = _FIRST_WAIT
        while True:
            deadline.check(f"waiting for {self._what}")
            reply = self._reply(payload, deadline)
            if isinstance(reply, _Reply) and reply.status not in _NOT_RUN:
                return self._result(reply)
            waited = pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing
            if deadline.remaining <= waited:
                raise self._failure(reply)
            time.sleep(waited)
            pause = min(2 * pause, _LONGEST_WAIT)

    def _reply(self, payload: bytes, deadline: Deadline) -> _Reply | OSError | HTTPException:
        """Sends the call once; again where the connection had been closed while nobody used it."""
        kept = bool(self._idle)
        connection = self._idle.pop() if kept else self._new_connection()
        try:
            reply = self._sent(connection, payload, deadline)
        except TimeoutError:
            connection.close()
            raise DeadlineExceeded(
                f"{self._what} did not answer in time; send less at once, or ask for a job: "
                "POST /v2/models/{model}/jobs"
            ) from None
        except (HTTPException, OSError) as error:
            connection.close()
            return self._reply(payload, deadline) if kept else error
        self._idle.append(connection)
        return reply

    def _sent(self, connection: HTTPConnection, payload: bytes, deadline: Deadline) -> _Reply:
        _open(connection)
        connection.sock.settimeout(max(0.0, deadline.remaining) + _GRACE)
        post = Post(self._url.netloc, self._path, payload)
        headers = signed(post, self._credentials(), Scope(self._region, "lambda"))
        if trace := os.environ.get("_X_AMZN_TRACE_ID"):  # of the request that is being answered
            headers["X-Amzn-Trace-Id"] = trace
        connection.request("POST", self._path, payload, headers)
        response = connection.getresponse()
        return _Reply(response.status, response.msg, response.read())

    def _new_connection(self) -> HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._tls:
            return HTTPSConnection(host, port, timeout=_CONNECT, context=self._tls)
        return HTTPConnection(host, port, timeout=_CONNECT)

    def close(self) -> None:
        """Closes the connections that nobody uses; the next call opens another one."""
        while self._idle:
            self._idle.pop().close()

    def _result(self, reply: _Reply) -> bytes:
        if reply.status == 413:
            raise TooLargeToCarry(f"{self._what} cannot be sent so much at once; send less")
        if reply.status != 200:
            kind = reply.headers.get("X-Amzn-ErrorType", f"status {reply.status}")
            LOGGER.warning("%s cannot be called: %s: %s", self._what, kind, reply.body[:500])
            raise ServiceUnavailable(f"{self._what} cannot be called: {kind.partition(':')[0]}")
        if reply.headers.get("X-Amz-Function-Error"):
            raise self._failed(reply.body)
        return reply.body

    def _failed(self, body: bytes) -> TriptychError:
        """Returns the error of a function that ended without a result."""
        reason = parse_object(memoryview(body))
        message = str(reason.get("errorMessage", ""))
        LOGGER.warning("%s failed: %s: %s", self._what, reason.get("errorType"), message)
        if _TIMED_OUT in message:
            return DeadlineExceeded(f"{self._what} ran into its timeout; send less at once")
        return ServiceUnavailable(f"{self._what} failed; its log says why")

    def _failure(self, reply: _Reply | OSError | HTTPException) -> TriptychError:
        """Returns the error of a call that was not run, however often it was tried."""
        if isinstance(reply, _Reply) and reply.status == _THROTTLED:
            return FunctionBusy(f"all environments of {self._what} are busy: try again in some seconds")
        why = f"status {reply.status}" if isinstance(reply, _Reply) else type(reply).__name__
        LOGGER.warning("%s cannot be called: %s", self._what, reply)
        return ServiceUnavailable(f"{self._what} cannot be called: {why}")


def _open(connection: HTTPConnection) -> None:
    """Opens a connection that is new, or was closed after an answer."""
    if connection.sock is None:
        try:
            connection.connect()
        except TimeoutError as error:
            raise ConnectionError("no connection in time") from error


def endpoint(region: str) -> str:
    """Returns where Lambda is called in a region, or what stands there instead of it."""
    own = os.environ.get("AWS_ENDPOINT_URL_LAMBDA") or os.environ.get("AWS_ENDPOINT_URL")
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return own or f"https://lambda.{region}.{suffix}"
