"""Load on a server of this machine."""

from __future__ import annotations

import http.client
import threading
from time import perf_counter
from typing import NamedTuple


class Endpoint(NamedTuple):
    """Where a server accepts a request.

    Attributes:
        port: Its port on 127.0.0.1.
        path: The path.
        body: The request, as JSON.
    """

    port: int
    path: str
    body: bytes


class Load(NamedTuple):
    """What a server did.

    Attributes:
        rate: Requests a second.
        seconds: Seconds of each request.
    """

    rate: float
    seconds: list[float]


class Refused(RuntimeError):
    """The server does not answer, or not with 200."""


def ask(endpoint: Endpoint) -> bytes:
    """Sends the request once, and returns the response.

    Raises:
        Refused: That is a failure.
    """
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=10)
    try:
        return _asked(connection, endpoint)
    except OSError as error:
        raise Refused(str(error)) from error
    finally:
        connection.close()


def load(endpoint: Endpoint, connections: int, seconds: float) -> Load:
    """Sends the request again and again.

    Args:
        endpoint: Where to.
        connections: Callers at the same time, each with a connection that stays open.
        seconds: How long; each caller sends twice at least.

    Raises:
        Refused: An answer is a failure.
    """
    callers = [_Caller(endpoint, seconds) for _ in range(connections)]
    started = perf_counter()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    took = perf_counter() - started
    failures = [caller.failure for caller in callers if caller.failure]
    if failures:
        raise Refused(str(failures[0]))
    every = [one for caller in callers for one in caller.seconds]
    return Load(len(every) / took, every)


class _Caller(threading.Thread):
    def __init__(self, endpoint: Endpoint, duration: float) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.failure: Exception | None = None
        self._endpoint, self._duration = endpoint, duration

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._endpoint.port, timeout=30)
        end = perf_counter() + self._duration
        try:
            while len(self.seconds) < 2 or perf_counter() < end:
                started = perf_counter()
                _asked(connection, self._endpoint)
                self.seconds.append(perf_counter() - started)
        except (OSError, http.client.HTTPException, Refused) as error:
            self.failure = error
        finally:
            connection.close()


def _asked(connection: http.client.HTTPConnection, endpoint: Endpoint) -> bytes:
    connection.request("POST", endpoint.path, endpoint.body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    if response.status != http.client.OK:
        raise Refused(f"{response.status}: {content[:500].decode(errors='replace')}")
    return content
