"""Columns in the form that a format writes: Arrow where it can be, JSON values where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from arro3.core import Array, DataType

from triptych.errors import BadRequest
from triptych.tables.arrow import values_of
from triptych.tables.table import Column

_KINDS: dict[type, DataType] = {
    bool: DataType.bool(),
    int: DataType.int64(),
    float: DataType.float64(),
    str: DataType.utf8(),
}
_LIMIT = 2**63


def json_column(column: Column) -> Column:
    """Makes an Arrow array of JSON values that are all of one kind; leaves any other column."""
    return (_uniform(column) or column) if isinstance(column, list) else column


def parquet_column(column: Column) -> Array:
    """Makes an Arrow array of a column: JSON values that are not all of one kind become JSON text.

    Raises:
        BadRequest: A value has no JSON text.
    """
    return (_uniform(column) or _texts(column)) if isinstance(column, list) else column


def csv_column(column: Column) -> Array:
    """Makes an Arrow array without lists or structures of a column: those become JSON text.

    Raises:
        BadRequest: A value has no JSON text.
    """
    if not isinstance(column, list) and DataType.is_nested(column.type):
        return _texts(values_of(column))
    return parquet_column(column)


def _uniform(values: Sequence[Any]) -> Array | None:
    kinds = set(map(type, values)) - {type(None)}
    kind = kinds.pop() if kinds else str
    if kinds or kind not in _KINDS:
        return None
    if kind is int and any(not -_LIMIT <= value < _LIMIT for value in values if value is not None):
        return None
    return Array(values, _KINDS[kind])


def _texts(values: Sequence[Any]) -> Array:
    return Array([_text(value) for value in values], DataType.utf8())


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, default=str).decode()
    except orjson.JSONEncodeError as error:
        raise BadRequest(f"a joined cell cannot be written as text: {error}") from None
