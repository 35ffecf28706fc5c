"""Records as plain values, which JSON and tables can hold, and back.

What is None is left out. Names that a record does not know are ignored: a later release may write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, NoReturn, cast, get_args, get_origin, get_type_hints


def plain(record: object) -> dict[str, Any]:
    """Returns the fields of a NamedTuple by name: maps for records in it, lists for tuples."""
    fields = cast("NamedTuple", record)._asdict().items()
    return {name: _plain(value) for name, value in fields if value is not None}


def record_of[Record](kind: type[Record], values: object) -> Record:
    """Returns the record of plain values.

    Args:
        kind: Type of the record.
        values: What `plain` returned, perhaps from a store that has numbers of its own.

    Raises:
        ValueError: These are not the fields of such a record.
    """
    if not isinstance(values, Mapping):
        _refuse(kind, values)
    record_type: Any = kind
    hints, defaults = _hints(record_type), record_type._field_defaults
    fields: dict[str, Any] = {}
    for name, hint in hints.items():
        if values.get(name) is not None:
            fields[name] = _value(hint, values[name])
        elif name not in defaults:
            fields[name] = None if type(None) in get_args(hint) else _refuse(kind, values)
    record: Record = record_type(**fields)
    return record


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return plain(cast("NamedTuple", value)) if hasattr(value, "_fields") else [_plain(v) for v in value]
    return value.value if isinstance(value, StrEnum) else value


def _value(hint: Any, value: Any) -> object:  # noqa: ANN401 - a type, and what a store gave
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], entry) for entry in value)
    kind = next(iter({*get_args(hint)} - {type(None)}), hint)
    if hasattr(kind, "_fields"):
        return record_of(kind, value)
    if kind is bool and not isinstance(value, bool):
        _refuse(kind, value)
    return kind(value)


def _refuse(kind: type, value: object) -> NoReturn:
    raise ValueError(f"expected a {kind.__name__}, got {str(value)[:80]!r}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
