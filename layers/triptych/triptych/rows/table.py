"""Rows in memory: named columns of equal length, and columns as each format writes them.

A format writes Arrow arrays where a column can be one. JSON also writes lists of JSON values as they are;
CSV and Parquet write such values as JSON text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import orjson
from arro3.core import Array, DataType

from triptych.errors import BadRequest, PayloadTooLarge
from triptych.rows.arrow import values_of
from triptych.rows.formats import Format

Column = Array | list[Any]
"""Cells of one column: an Arrow array (CSV: text, as it came; Parquet: typed), or JSON values."""

EMPTY = "the input is empty: it has neither a record nor a header"
"""Message about an empty body or file. A header without records is no failure: it is a table of no rows."""

MAX_COLUMNS = 16_384
"""Columns of a table at most, as in a spreadsheet: each costs time even where it is not used."""

MAX_CELLS = 2**25
"""Cells of a table at most: JSON rows that each have other keys make a table far larger than the body."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows.

    Attributes:
        columns: Columns by name, in their order.
        rows: How many rows there are.
    """

    columns: Mapping[str, Column]
    rows: int


class RecordColumns(Mapping[str, list[Any]]):
    """Columns of JSON objects, gathered when they are asked for: unused ones cost nothing.

    Args:
        records: An object per row; a key that a row lacks is a missing cell.
    """

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._records = records
        self._names = dict.fromkeys(chain.from_iterable(records))

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._names:
            raise KeyError(name)
        try:
            return list(map(itemgetter(name), self._records))
        except KeyError:
            return [record.get(name) for record in self._records]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class AllColumns(Mapping[str, Column]):
    """The columns of some rows; those that only other rows have are missing cells.

    Args:
        table: The rows.
        names: All columns.
    """

    def __init__(self, table: Table, names: tuple[str, ...]) -> None:
        self._table = table
        self._names = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Column:
        if name in self._table.columns:
            return self._table.columns[name]
        if name in self._names:
            return [None] * self._table.rows
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def check_names(names: Sequence[str]) -> None:
    """Checks the names of columns.

    Raises:
        BadRequest: Two columns have the same name.
        PayloadTooLarge: There are too many.
    """
    check_cells(len(names), 0)
    if len(set(names)) < len(names):
        ((twice, _),) = Counter(names).most_common(1)
        raise BadRequest(f"column {twice[:64]!r} is there twice")


def check_cells(columns: int, rows: int) -> None:
    """Checks the size of a table before it is made.

    Raises:
        PayloadTooLarge: There are too many of them, or they have too many cells.
    """
    if columns > MAX_COLUMNS:
        raise PayloadTooLarge(f"there are more columns than the {MAX_COLUMNS} that are read")
    if columns * rows > MAX_CELLS:
        raise PayloadTooLarge(
            f"{columns} columns of {rows} rows are more than the {MAX_CELLS} cells that are taken "
            "at once; send less"
        )


_KINDS: dict[type, DataType] = {
    bool: DataType.bool(),
    int: DataType.int64(),
    float: DataType.float64(),
    str: DataType.utf8(),
}
_LIMIT = 2**63


def json_column(column: Column) -> Column:
    """Returns an Arrow array where all JSON values are of one type; else the column as it is."""
    return (_uniform(column) or column) if isinstance(column, list) else column


def parquet_column(column: Column) -> Array:
    """Returns an Arrow array; JSON values of several types become JSON text.

    Raises:
        BadRequest: A value has no JSON text.
    """
    return (_uniform(column) or _texts(column)) if isinstance(column, list) else column


def csv_column(column: Column) -> Array:
    """Returns an Arrow array without lists or structures: those become JSON text.

    Raises:
        BadRequest: A value has no JSON text.
    """
    if not isinstance(column, list) and DataType.is_nested(column.type):
        return _texts(values_of(column))
    return parquet_column(column)


def kinds_of(values: Sequence[Any]) -> frozenset[type]:
    """Returns the types of the values but for missing ones; `object` is any that Arrow has no type for."""
    kinds = set(map(type, values)) - {type(None)}
    if int in kinds and any(not -_LIMIT <= value < _LIMIT for value in values if type(value) is int):
        kinds.add(object)
    return frozenset(kind if kind in _KINDS else object for kind in kinds)


def column_of_kinds(values: list[Any], kinds: frozenset[type], form: Format) -> Column:
    """Returns a part of a column as the whole column is written.

    Args:
        values: JSON values of some rows.
        kinds: What `kinds_of` returns for all rows.
        form: Format that the column is for.

    Raises:
        BadRequest: A value has no JSON text, and the format needs one.
    """
    array = _typed(values, kinds)
    if array is not None:
        return array
    return values if form.is_json else _texts(values)


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
