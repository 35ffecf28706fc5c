"""Values as DynamoDB writes them, and the parts of its indexes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

type Item = dict[str, Any]
"""Attributes as DynamoDB writes them, such as `{"id": {"S": "..."}}`."""

SHARDS: Final = tuple("01234567")
"""Parts of the indexes: the key of an index takes a thousand writes a second."""

_SERIALIZE = TypeSerializer().serialize
_DESERIALIZE = TypeDeserializer().deserialize


def shard(identity: str) -> str:
    """Gives the part of the indexes that a record is in, by its id."""
    return SHARDS[int(identity[-1], 16) % len(SHARDS)]


def serialized(values: Mapping[str, object]) -> Item:
    """Writes values as DynamoDB takes them; None is left out."""
    return {name: _SERIALIZE(_decimal(value)) for name, value in values.items() if value is not None}


def deserialized(item: Item) -> dict[str, Any]:
    """Reads values; numbers are decimals."""
    return {name: _DESERIALIZE(value) for name, value in item.items()}


def named(*attributes: str) -> dict[str, str]:
    """Gives names with `#` for attributes in expressions, where hundreds of plain words are reserved."""
    return {f"#{attribute}": attribute for attribute in attributes}


def _decimal(value: object) -> object:
    """Gives decimals for floats, which DynamoDB does not take."""
    if isinstance(value, Mapping):
        return {name: _decimal(inner) for name, inner in value.items()}
    return Decimal(repr(value)) if isinstance(value, float) else value
