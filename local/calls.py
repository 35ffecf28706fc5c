"""Timed HTTP calls of a deployed stack."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import httpx

from local.failure import LocalFailure
from local.stack import StackInfo

WARM_CALLS = 20


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a call took, in milliseconds, seen by the client.

    Attributes:
        first: The first call, which may have loaded the model.
        warm: The median of the calls after it.
    """

    first: float
    warm: float

    def __str__(self) -> str:
        """Say it to a person."""
        return f"first answer {self.first:.0f} ms, then {self.warm:.1f} ms (median of {WARM_CALLS})"


class Calls:
    """A client of one stack.

    Args:
        stack: The deployed stack.
    """

    def __init__(self, stack: StackInfo) -> None:
        self._client = httpx.Client(
            base_url=stack.api_url, headers={"x-api-key": stack.api_key}, timeout=60, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Get JSON.

        Args:
            path: The path after the base URL.

        Raises:
            LocalFailure: The answer is an error.
        """
        return expect_success(self._client.get(path)).json()

    def post(self, path: str, body: bytes, kind: str) -> httpx.Response:
        """Post a body.

        Args:
            path: The path after the base URL.
            body: What is sent.
            kind: Its content type.

        Raises:
            LocalFailure: The answer is an error.
        """
        return expect_success(self.try_post(path, body, kind))

    def try_post(self, path: str, body: bytes, kind: str) -> httpx.Response:
        """Post a body and take whatever is answered.

        Args:
            path: The path after the base URL.
            body: What is sent.
            kind: Its content type.
        """
        headers = {"content-type": kind, "accept": "application/json"}
        return self._client.post(path, content=body, headers=headers)


def timed[Answer](call: Callable[[], Answer]) -> tuple[Answer, Timing]:
    """Make a call once, and then some more times.

    Args:
        call: The call.

    Returns:
        The first answer, and how long the calls took.
    """
    answer, first = _once(call)
    return answer, Timing(first, statistics.median(_once(call)[1] for _ in range(WARM_CALLS)))


def expect_success(answer: httpx.Response) -> httpx.Response:
    """Gives an answer back, if it is a success.

    Raises:
        LocalFailure: It is an error.
    """
    if not answer.is_success:
        request = answer.request
        raise LocalFailure(f"{request.method} {request.url}: {answer.status_code} {answer.text}")
    return answer


def _once[Answer](call: Callable[[], Answer]) -> tuple[Answer, float]:
    started = time.perf_counter()
    answer = call()
    return answer, (time.perf_counter() - started) * 1000
