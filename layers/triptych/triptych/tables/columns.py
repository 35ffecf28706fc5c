"""Columns in the form that a format writes: Arrow where it can be, JSON values where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from arro3.core import Array, DataType

from triptych.errors import BadRequest
from triptych.tables.arrow import values_of
from triptych.tables.formats import Format
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


def kinds_of(values: Sequence[Any]) -> frozenset[type]:
    """Tells the kinds of values, but for missing ones; `object` is any that Arrow has no type for."""
    kinds = set(map(type, values)) - {type(None)}
    if int in kinds and any(not -_LIMIT <= value < _LIMIT for value in values if type(value) is int):
        kinds.add(object)
    return frozenset(kind if kind in _KINDS else object for kind in kinds)


def column_of_kinds(values: list[Any], kinds: frozenset[type], form: Format) -> Column:
    """Makes a part of a column as it is within the whole.

    Args:
        values: JSON values of some rows.
        kinds: What `kinds_of` tells of all rows.
        form: Format that the column is for.

    Raises:
        BadRequest: A value has no JSON text, and the format needs one.
    """
    array = _typed(values, kinds)
    if array is not None:
        return array
    return values if form in (Format.JSON, Format.JSON_LINES) else _texts(values)


def _uniform(values: Sequence[Any]) -> Array | None:
    return _typed(values, kinds_of(values))


def _typed(values: Sequence[Any], kinds: frozenset[type]) -> Array | None:
    kind = next(iter(kinds), str)
    return Array(values, _KINDS[kind]) if len(kinds) <= 1 and kind in _KINDS else None


def _texts(values: Sequence[Any]) -> Array:
    return Array([_text(value) for value in values], DataType.utf8())


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, default=str).decode()
    except orjson.JSONEncodeError as error:
        raise BadRequest(f"a joined cell cannot be written as text: {error}") from None
