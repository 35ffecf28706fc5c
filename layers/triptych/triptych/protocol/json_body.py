"""Strict JSON, both ways."""

from __future__ import annotations

from typing import Any

import orjson

from triptych.errors import BadRequest, PayloadTooLarge

MAX_JSON = 16 * 2**20
"""Bytes of JSON that are read, which only a compressed body exceeds: small values take up to thirty times
their text in memory."""

_JSON_TYPES: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def parse_object(body: bytes | memoryview) -> dict[str, Any]:
    """Reads a JSON object.

    orjson refuses NaN, Infinity, invalid UTF-8 and nesting deeper than 1,024 levels.

    Raises:
        BadRequest: The body is not JSON, or not an object.
        PayloadTooLarge: It is longer than `MAX_JSON`.
    """
    check_size(body)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest(f"the body must be a JSON object, got {json_type(value)}")
    return value


def check_size(body: bytes | memoryview) -> None:
    """Checks that JSON is not too long to be read.

    Raises:
        PayloadTooLarge: It is longer than `MAX_JSON`.
    """
    if len(body) > MAX_JSON:
        raise PayloadTooLarge(
            f"JSON of {len(body)} bytes is more than the {MAX_JSON} that are read at once: "
            "send less, or tensors in binary, or rows as CSV, JSON Lines or Parquet"
        )


def dump(value: object) -> bytes:
    """Writes JSON; NumPy arrays become lists, NaN becomes null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def json_type(value: object) -> str:
    """Says what a JSON value is, for messages."""
    return _JSON_TYPES[type(value)]
