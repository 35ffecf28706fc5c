"""Fields of messages in JSON, other than those of the protocol; null counts as absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from triptych.errors import BadField
from triptych.protocol.json_document import json_type


def whole_number(fields: Mapping[str, Any], name: str, where: str = "") -> int | None:
    """Returns a whole number from 1; None where there is none.

    Args:
        fields: The message.
        name: Name of the field.
        where: What stands before it in messages, such as `parameters.`.

    Raises:
        BadField: It is something else.
    """
    value = fields.get(name)
    if value is not None and (type(value) is not int or value < 1):
        raise BadField(where + name, f"expected a whole number from 1, got {str(value)[:32]!r}")
    return value


def flag(fields: Mapping[str, Any], name: str) -> bool:
    """Returns true or false; false where there is nothing.

    Raises:
        BadField: It is something else.
    """
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadField(name, f"expected true or false, got {json_type(value)}")
    return value or False


def choice(fields: Mapping[str, Any], name: str, known: Sequence[str]) -> str:
    """Returns one of some texts; the first where there is none.

    Raises:
        BadField: It is something else.
    """
    value = fields.get(name)
    if value is not None and value not in known:
        raise BadField(name, f"expected one of {', '.join(known)}, got {str(value)[:32]!r}")
    return known[0] if value is None else value


def text(fields: Mapping[str, Any], name: str) -> str:
    """Returns a text.

    Raises:
        BadField: It is something else, or there is none.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise BadField(name, f"expected text, got {json_type(value)}")
    return value
