"""The client of a deployed stack's API: for the demo, the smoke test, the redrive and the tests."""

import random
import statistics
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Self

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.failure import LocalFailure
from local.stack import StackInfo

WARM_CALLS = 20
LOOK = 0.3  # seconds between two looks at what has not ended
PATIENCE = 30  # seconds for which the API may say that requests come too fast


class Signature(httpx.Auth):
    """Signs requests to API Gateway, as `Authorization=AWS_IAM` requires.

    Args:
        credentials: Who calls.
        region: The region of the API.
    """

    requires_request_body = True

    def __init__(self, credentials: Credentials, region: str) -> None:
        self._credentials = credentials
        self._region = region

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Add the headers of a signature, version 4."""
        url, query = str(request.url.copy_with(query=None)), request.url.params.multi_items()
        signed = AWSRequest(request.method, url, data=request.content, params=query)  # type: ignore[arg-type]  # pairs
        SigV4Auth(self._credentials, "execute-api", self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        yield request


class Calls:
    """A client of the API of one stack; threads may share it.

    Args:
        stack: The stack.
        key: The API key, unless it is the one of the stack; "" sends none.
        signed: Whether to sign requests where the stack asks for it.
    """

    def __init__(self, stack: StackInfo, key: str | None = None, *, signed: bool = True) -> None:
        api_key = stack.api_key if key is None else key
        self._proxies = not stack.endpoint_url  # an emulator is on this machine
        self._client = httpx.Client(
            base_url=stack.api_url,
            headers={"x-api-key": api_key} if api_key else {},
            auth=_signature(stack) if signed else None,
            timeout=60,
            trust_env=self._proxies,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - of httpx
        """Send a request and return the answer, whatever it is; one that comes too fast is sent again.

        Args:
            method: GET, POST or DELETE.
            path: The path after the base URL.
            **arguments: What httpx takes.
        """
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._client.request(method, path, **arguments)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or time.monotonic() > end:
                return answer
            time.sleep(random.uniform(0.2, 1))  # noqa: S311 - spreads load, keeps no secret

    def elsewhere(self, method: str, url: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - of httpx
        """Send a request to a URL that the API returned, without key and signature.

        Args:
            method: GET or POST.
            url: The whole URL.
            **arguments: What httpx takes.
        """
        return httpx.request(method, url, timeout=60, trust_env=self._proxies, **arguments)

    def post(self, path: str, body: bytes, kind: str, accept: str = "application/json") -> httpx.Response:
        """Post a body.

        Args:
            path: The path after the base URL.
            body: What is sent.
            kind: Its content type.
            accept: The content type of the answer.
        """
        return self.request("POST", path, content=body, headers={"content-type": kind, "accept": accept})

    def json(self, method: str, path: str, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        """Send a request and return the JSON of a success.

        Args:
            method: GET, POST or DELETE.
            path: The path after the base URL.
            **arguments: What httpx takes.

        Raises:
            LocalFailure: The answer is an error.
        """
        return expect_success(self.request(method, path, **arguments)).json()


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
    """Return an answer that is a success.

    Raises:
        LocalFailure: It is an error.
    """
    if not answer.is_success:
        request = answer.request
        raise LocalFailure(f"{request.method} {request.url}: {answer.status_code} {answer.text}")
    return answer


def _signature(stack: StackInfo) -> Signature | None:
    if stack.parameters.get("Authorization") != "AWS_IAM":
        return None
    credentials = stack.aws().session().get_credentials()
    if credentials is None:
        raise LocalFailure("no credentials: the API asks for signatures (Authorization=AWS_IAM)")
    return Signature(credentials, stack.region)


def _once[Answer](call: Callable[[], Answer]) -> tuple[Answer, float]:
    started = time.perf_counter()
    answer = call()
    return answer, (time.perf_counter() - started) * 1000
