"""Strict JSON, both ways, and fields of JSON objects by the type that the protocol gives them."""

from __future__ import annotations

from collections.abc import Mapping
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


def present[Value](fields: Mapping[str, Value | None]) -> dict[str, Value]:
    """Returns fields without those that are None: what is not known is left out of a document."""
    return {name: value for name, value in fields.items() if value is not None}


def dump(value: object) -> bytes:
    """Writes JSON; NumPy arrays become lists, NaN becomes null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def json_type(value: object) -> str:
    """Returns what a JSON value is called in messages."""
    return _JSON_TYPES[type(value)]


Scalar = str | int | float | bool
Parameters = dict[str, Scalar]


def required_string(fields: dict[str, Any], name: str, where: str) -> str:
    """Returns a string that must be there.

    Raises:
        BadRequest: It is missing, empty, or not a string.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{where}: {name!r} must be a non-empty string, got {json_type(value)}")
    return value


def optional_string(fields: dict[str, Any], name: str) -> str | None:
    """Returns a string that may be missing.

    Raises:
        BadRequest: It is not a string.
    """
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name!r} must be a string, got {json_type(value)}")
    return value


def objects(fields: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Returns an array of objects; a missing one, and null, is empty.

    Raises:
        BadRequest: It is something else.
    """
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequest(f"{name!r} must be an array of objects, got {json_type(value)}")
    for position, item in enumerate(value):
        if not isinstance(item, dict):
            raise BadRequest(f"{name}[{position}] must be an object, got {json_type(item)}")
    return value


def parameters(fields: dict[str, Any], where: str) -> Parameters:
    """Returns the `parameters` of a request, an input or an output: strings, numbers, booleans by name.

    Raises:
        BadRequest: It is not an object, or one of its values is an array, an object or null.
    """
    value = fields.get("parameters")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{where}: 'parameters' must be an object, got {json_type(value)}")
    for name, item in value.items():
        if not isinstance(item, str | int | float):
            raise BadRequest(
                f"{where}: parameter {name!r} must be a string, number or boolean, got {json_type(item)}"
            )
    return value


def flag(parameters: Parameters, name: str, where: str) -> bool | None:
    """Returns a boolean parameter, None when it is missing.

    Raises:
        BadRequest: It is not a boolean.
    """
    value = parameters.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadRequest(f"{where}: parameter {name!r} must be true or false, got {value!r}")
    return value


def count(parameters: Parameters, name: str, where: str) -> int | None:
    """Returns a parameter that counts something, None when it is missing.

    Raises:
        BadRequest: It is not a whole number from 0.
    """
    value = parameters.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadRequest(f"{where}: parameter {name!r} must be a whole number from 0, got {value!r}")
    return value
