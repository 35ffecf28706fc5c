"""Answers as API Gateway takes them."""

import base64
import gzip
import json
import random

import pytest
from triptych.errors import PayloadTooLarge
from triptych.http.response import MAX_ANSWER, MAX_BODY, Response, json_response, proxy_result
from triptych.protocol.media_types import BINARY, JSON

LONG = b'{"value": 1}' * 200
TEXTS = [
    JSON,
    "application/json; charset=utf-8",
    "text/csv",
    "text/html; charset=utf-8",
    "application/jsonlines",
    "application/x-ndjson",
]


@pytest.mark.parametrize("content_type", TEXTS)
def test_text(content_type: str) -> None:
    """Text travels as it is."""
    assert {
        "statusCode": 200,
        "headers": {"Content-Type": content_type},
        "body": "añ",
        "isBase64Encoded": False,
    } == proxy_result(Response(200, "añ".encode(), content_type), None)


@pytest.mark.parametrize("content_type", [BINARY, "application/vnd.apache.parquet"])
def test_bytes(content_type: str) -> None:
    """Bytes travel in base64, with the headers of the answer."""
    body = bytes(range(256))
    result = proxy_result(Response(200, body, content_type, {"X": "1"}), None)
    assert body == base64.b64decode(result["body"])
    assert result["isBase64Encoded"]
    assert {"Content-Type": content_type, "X": "1"} == result["headers"]


@pytest.mark.parametrize("content_type", [JSON, BINARY])
def test_compressed(content_type: str) -> None:
    """A compressed answer says so, travels in base64, and keeps its other headers."""
    result = proxy_result(Response(200, LONG, content_type, {"X": "1"}), "gzip")
    assert LONG == gzip.decompress(base64.b64decode(result["body"]))
    assert result["isBase64Encoded"]
    assert {
        "Content-Type": content_type,
        "X": "1",
        "Content-Encoding": "gzip",
        "Vary": "Accept-Encoding",
    } == result["headers"]


def test_json() -> None:
    """JSON is strict and keeps its order."""
    response = json_response({"b": [1.5, float("nan")], "a": "ü"}, 404)
    assert (404, JSON, '{"b":[1.5,null],"a":"ü"}'.encode()) == (
        response.status,
        response.content_type,
        response.body,
    )


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b"a" * (MAX_ANSWER - 2)),
        (BINARY, bytes(MAX_ANSWER // 4 * 3 - 3)),
    ],
    ids=["text", "bytes"],
)
def test_largest(content_type: str, body: bytes) -> None:
    """What counts is the answer as a JSON string in the invocation's result, quotes and all."""
    result = proxy_result(Response(200, body, content_type), None)
    assert MAX_ANSWER >= len(json.dumps(result["body"])) > MAX_ANSWER - 10
    with pytest.raises(
        PayloadTooLarge, match=f"the answer of {len(body) + 4} bytes exceeds what one call can carry"
    ):
        proxy_result(Response(200, body + body[:4], content_type), None)


@pytest.mark.parametrize(
    ("character", "room"), [(b'"', (MAX_ANSWER - 2) // 2), (b"\0", (MAX_ANSWER - 2) // 6)]
)
def test_escapes(character: bytes, room: int) -> None:
    """Text whose escapes take more than there is travels in base64: one that large always fits."""
    assert not proxy_result(Response(200, character * room, JSON), None)["isBase64Encoded"]
    for size in (room + 1, MAX_BODY):
        result = proxy_result(Response(200, character * size, JSON), None)
        assert character * size == base64.b64decode(result["body"])
        assert MAX_ANSWER >= len(json.dumps(result["body"]))


def test_whole_result_fits_lambda() -> None:
    """The largest answer still fits Lambda's 6 MiB with its headers around it."""
    headers = {f"X-{number}": "x" * 100 for number in range(50)}
    result = proxy_result(Response(200, b"a" * (MAX_ANSWER - 2), JSON, headers), None)
    assert len(json.dumps(result)) < 6 * 2**20


def test_compression_makes_room() -> None:
    """An answer that is too large as it is may be carried compressed, if it shrinks enough."""
    assert 200 == proxy_result(Response(200, bytes(2 * MAX_ANSWER), BINARY), "gzip")["statusCode"]
    noise = random.Random(1).randbytes(MAX_ANSWER)  # noqa: S311 - bytes that do not shrink
    with pytest.raises(PayloadTooLarge):
        proxy_result(Response(200, noise, BINARY), "gzip")
