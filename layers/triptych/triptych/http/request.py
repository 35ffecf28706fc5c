"""A request as API Gateway's REST proxy integration delivers it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypedDict

import pybase64

from triptych.aws.telemetry import RequestRecord
from triptych.clock import Deadline
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.protocol.compression import decompress
from triptych.protocol.infer_request import HEADER_LENGTH
from triptych.protocol.names import version_number

MAX_EVENT = 6 * 2**20
"""Bytes that Lambda accepts as the event of one invocation; emulators let more pass."""

IDEMPOTENCY_KEY = "Idempotency-Key"
"""Header that makes one job, or batch, of a request however often it is sent."""

MAX_WAIT = 20
"""Seconds that an answer is held back at most: API Gateway gives up after 29."""

MAX_PAGE, DEFAULT_PAGE = 100, 20
"""Jobs, or batches, that one answer lists."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_KEY = re.compile(r"[!-~]{1,255}")


class PageRequest[Status](TypedDict):
    """Which page of a list is asked for: what `newest` of jobs and batches accepts."""

    model: str | None
    status: Status | None
    after: str | None
    limit: int


class Request(NamedTuple):
    """An HTTP request.

    Attributes:
        method: HTTP method, in capitals.
        resource: Path with its parameters unfilled, such as `/v2/models/{model}`.
        path: Values of those parameters.
        query: Query parameters; of a repeated one, the last.
        headers: Headers by lower-case name; of a repeated one, the last.
        body: The body as it came; may be compressed.
        deadline: When the answer must be ready.
        record: What logs and metrics will say about the request.
        caller: Whose the request is: the id of its API key, else who signed it; empty when nobody did.
    """

    method: str
    resource: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    deadline: Deadline
    record: RequestRecord
    caller: str = ""

    def version(self) -> int | None:
        """Returns the version in the path; None when the path has none.

        Raises:
            BadRequest: It is not a number.
        """
        version = self.path.get("version")
        return None if version is None else version_number(version)

    def relative(self, path: str) -> str:
        """Returns a reference to a path below `/v2`.

        API Gateway puts a stage before the path, a custom domain may not: only a relative one fits both.
        """
        return "../" * (self.resource.count("/") - 2) + path

    def wait_seconds(self) -> int:
        """Returns how long to hold the answer back.

        Raises:
            BadRequest: It is no number, or too many.
        """
        return self._whole("wait", 0, MAX_WAIT, 0)

    def page[Status: StrEnum](self, statuses: type[Status]) -> PageRequest[Status]:
        """Returns which page of a list is asked for.

        Args:
            statuses: The statuses of what is listed.

        Raises:
            BadRequest: There is no such status, or the limit is no number, or none or too many.
        """
        status = self.query.get("status")
        if status is not None and status not in statuses:
            raise BadRequest(f"status: expected one of {', '.join(statuses)}, got {status[:32]!r}")
        return {
            "model": self.query.get("model"),
            "status": None if status is None else statuses(status),
            "after": self.query.get("next"),
            "limit": self._whole("limit", 1, MAX_PAGE, DEFAULT_PAGE),
        }

    def flag(self, name: str) -> bool:
        """Returns a query parameter that is `true` or `false`; false when it is missing.

        Raises:
            BadRequest: It has another value.
        """
        value = self.query.get(name, "false")
        if value not in {"true", "false"}:
            raise BadRequest(f"{name}: expected true or false, got {value[:32]!r}")
        return value == "true"

    def _whole(self, name: str, least: int, most: int, default: int) -> int:
        value = self.query.get(name)
        if value is None:
            return default
        if not _WHOLE.fullmatch(value) or not least <= int(value) <= most:
            raise BadRequest(f"{name}: expected a whole number from {least} to {most}, got {value[:32]!r}")
        return int(value)

    def idempotency_key(self) -> tuple[str, str] | None:
        """Returns the caller, and the key that makes one of it however often it is sent.

        Raises:
            BadRequest: It is not what it may be.
        """
        key = self.headers.get(IDEMPOTENCY_KEY.lower())
        if key is None:
            return None
        if not _KEY.fullmatch(key):
            raise BadRequest(
                f"{IDEMPOTENCY_KEY}: expected 1 to 255 visible ASCII characters, got {key[:32]!r}"
            )
        return f"http/{self.caller}", key

    def header_length(self, size: int) -> int | None:
        """Returns the bytes of the JSON before raw tensors; None when the request does not say.

        Args:
            size: Bytes of the decompressed body.

        Raises:
            BadRequest: It is not a number, or the body is shorter.
        """
        value = self.headers.get(HEADER_LENGTH.lower())
        if value is None:
            return None
        if not (_NUMBER.fullmatch(value) and int(value) <= size):
            raise BadRequest(f"{HEADER_LENGTH}: expected a whole number from 0 to {size}, got {value[:32]!r}")
        return int(value)

    def decompressed_body(self) -> bytes:
        """Returns the body as it was before the client compressed it.

        Raises:
            BadRequest: It is not what its Content-Encoding says.
            PayloadTooLarge: It grows too large.
            UnsupportedMediaType: The encoding is not read here.
        """
        return decompress(self.body, self.headers.get("content-encoding"))


def body_of(event: Mapping[str, Any]) -> bytes:
    """Returns the body of an event.

    Raises:
        PayloadTooLarge: It is larger than an event can be.
        BadRequest: It is not the base64 that the event says it is.
    """
    body: str = event.get("body") or ""
    if len(body) > MAX_EVENT:
        raise PayloadTooLarge(
            "the body exceeds what one request can carry (about 4.7 MB): compress it, "
            "send less at once, or upload it (POST /v2/uploads) and make it a job "
            "(POST /v2/models/{model}/jobs)"
        )
    if not event.get("isBase64Encoded"):
        return body.encode(errors="surrogatepass")  # whoever reads it says that it is not UTF-8
    try:
        return pybase64.b64decode(body, validate=True)
    except ValueError as error:
        raise BadRequest(f"the body is not valid base64: {error}") from None


def headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """Returns the headers of an event by lower-case name."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def caller_of(event: Mapping[str, Any]) -> str:
    """Returns the caller of an event: the same for each of the caller's requests."""
    identity: Mapping[str, Any] = (event.get("requestContext") or {}).get("identity") or {}
    return identity.get("apiKeyId") or identity.get("userArn") or ""
