"""Requests as API Gateway delivers them."""

import base64
from typing import Any

import pytest
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.http.request import MAX_EVENT, body_of, headers_of


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, b""),
        ({"body": None}, b""),
        ({"body": None, "isBase64Encoded": True}, b""),
        ({"body": "", "isBase64Encoded": True}, b""),
        ({"body": "añ"}, "añ".encode()),
        ({"body": "YfE=", "isBase64Encoded": False}, b"YfE="),
        ({"body": "YfE=", "isBase64Encoded": None}, b"YfE="),
        ({"body": "YfE=", "isBase64Encoded": True}, b"a\xf1"),
    ],
)
def test_body(event: dict[str, Any], expected: bytes) -> None:
    """A body is text unless the event says that it is base64; a missing one is empty."""
    assert expected == body_of(event)


def test_any_bytes() -> None:
    """Any bytes come through base64."""
    body = bytes(range(256))
    assert body == body_of({"body": base64.b64encode(body).decode(), "isBase64Encoded": True})


@pytest.mark.parametrize("body", ["YfE", "Y", "YfE=x", "Y fE=", "Y*E=", "YfÉ="])
def test_no_base64(body: str) -> None:
    """What is not base64 though the event says so is refused."""
    with pytest.raises(BadRequest, match="the body is not valid base64"):
        body_of({"body": body, "isBase64Encoded": True})


def test_text_that_is_no_unicode() -> None:
    """Half a surrogate pair becomes bytes that are not UTF-8, for the reader to refuse."""
    assert b"\xed\xa0\x80" == body_of({"body": "\ud800"})


@pytest.mark.parametrize("encoded", [True, False])
def test_too_large(encoded: bool) -> None:  # noqa: FBT001 - cases
    """A body that Lambda would not take is refused where an emulator let it pass, with a way out."""
    body_of({"body": "A" * MAX_EVENT, "isBase64Encoded": encoded})
    with pytest.raises(PayloadTooLarge, match="make it a job"):
        body_of({"body": "A" * (MAX_EVENT + 4), "isBase64Encoded": encoded})


def test_headers() -> None:
    """Headers are known by lower-case name, however they are written; there may be none."""
    assert {"content-type": "a", "x-api-key": "B"} == headers_of(
        {"headers": {"cONTENT-Type": "a", "X-Api-Key": "B"}}
    )
    assert {} == headers_of({"headers": None})
    assert {} == headers_of({})
