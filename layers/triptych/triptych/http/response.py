"""An answer in the form that API Gateway's proxy integration accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pybase64

from triptych.errors import TooLargeToCarry
from triptych.protocol.compression import choose_encoding, compress
from triptych.protocol.json_document import dump
from triptych.protocol.media_types import JSON

MAX_ANSWER = 6 * 2**20 - 16 * 2**10
"""Bytes of an answer in the invocation's result: Lambda's 6 MiB less what headers and framing take."""

MAX_BODY = 4_500_000
"""Bytes of a body that fits whatever it holds: base64 makes four bytes of three."""

FILLED_CELLS = "Triptych-Filled-Cells"
"""Header with the number of missing cells of the rows that took the value for missing cells."""


class Response(NamedTuple):
    """An HTTP answer.

    Attributes:
        status: HTTP status code.
        body: The body, not yet compressed.
        content_type: What the body is.
        headers: Further headers.
    """

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = {}


def filled_cells(filled: int) -> dict[str, str]:
    """Makes the header with the number of missing cells that were filled in; none where there were none."""
    return {FILLED_CELLS: str(filled)} if filled else {}


def page_response(name: str, entries: Sequence[object], following: str | None) -> Response:
    """Makes an answer of a page of a list.

    Args:
        name: What the entries are called.
        entries: The entries.
        following: Token of the next page; None when there is none.
    """
    page: dict[str, object] = {name: entries}
    return json_response(page if following is None else {**page, "next": following})


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Makes an answer of JSON."""
    return Response(status, dump(value), headers=headers or {})


def proxy_result(response: Response, accept_encoding: str | None) -> dict[str, Any]:
    """Makes the result of the invocation.

    Args:
        response: The answer.
        accept_encoding: What compression the caller accepts.

    Raises:
        TooLargeToCarry: The answer exceeds what one invocation can return.
    """
    headers = {"Content-Type": response.content_type, **response.headers}
    body = response.body
    encoding = choose_encoding(accept_encoding, len(body))
    if encoding:
        body = compress(body, encoding)
        headers |= {"Content-Encoding": encoding, "Vary": "Accept-Encoding"}
    text = _as_text(body) if encoding is None and _is_text(response.content_type) else None
    payload = _as_base64(body) if text is None else text
    if payload is None:
        raise TooLargeToCarry(
            f"the answer of {len(response.body)} bytes exceeds what one call can carry (about 4.7 MB): "
            "ask for fewer outputs or rows, accept gzip, or ask for a job: POST /v2/models/{model}/jobs"
        )
    return {
        "statusCode": response.status,
        "headers": headers,
        "body": payload,
        "isBase64Encoded": text is None,
    }


def _is_text(content_type: str) -> bool:
    return content_type.startswith(
        ("text/", "application/json", "application/x-ndjson", "application/jsonlines")
    )


def _as_text(body: bytes) -> str | None:
    # A character takes one byte at least and six at most: few answers need measuring. What needs none is not
    # measured either: orjson sets several times its length aside, and ends the process where it cannot.
    if len(body) > MAX_ANSWER:
        return None
    text = body.decode()
    too_large = 6 * len(text) > MAX_ANSWER and len(dump(text)) > MAX_ANSWER
    return None if too_large else text


def _as_base64(body: bytes) -> str | None:
    quoted = 4 * -(-len(body) // 3) + 2
    return None if quoted > MAX_ANSWER else pybase64.b64encode_as_string(body)
