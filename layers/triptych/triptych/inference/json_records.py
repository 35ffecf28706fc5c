"""JSON Lines, where each record has columns of its own.

Where bad records are set apart, no record may be read otherwise because of those beside it: each has the
columns that the model takes, and comes back before its predictions as it stands. In a file that fails as a
whole, as in a request, all rows are one table: a survey of the file finds its columns first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import NoneType
from typing import Any, NamedTuple

import orjson

from triptych.errors import BadRows
from triptych.protocol.names import listing
from triptych.rows.arrow import values_of
from triptych.rows.outputs import kinds_of, typed_column
from triptych.rows.schema import RowSchema
from triptych.rows.table import Column, Table, check_names

_ANY = frozenset({object})


class Survey(NamedTuple):
    """All columns of the rows of a file, and the kinds of values of those that come back."""

    names: tuple[str, ...]
    kinds: Mapping[str, frozenset[type]]

    def typed(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """Returns columns of some of the rows, with the types that the whole columns have.

        Raises:
            BadRequest: A value has no JSON text.
        """
        return {
            name: typed_column(column, self.kinds.get(name, frozenset()))
            if isinstance(column, list)
            else column
            for name, column in columns.items()
        }


def survey(tables: Iterable[Table], columns: Collection[str] | None) -> Survey:
    """Looks through all rows; `columns` are those that come back, None for all.

    Raises:
        PayloadTooLarge: There are too many columns.
    """
    names: dict[str, None] = {}
    kinds: dict[str, frozenset[type]] = {}
    for table in tables:
        names |= dict.fromkeys(table.columns)
        check_names(tuple(names))
        for name in table.columns if columns is None else columns:
            if isinstance(values := table.columns.get(name), list):
                kinds[name] = kinds.get(name, frozenset()) | kinds_of(values)
    return Survey(tuple(names), kinds)


def known_columns(table: Table, schema: RowSchema) -> Table:
    """Returns rows with the columns that the model takes: what a record lacks is a missing cell.

    Raises:
        BadRows: Some records have none of the columns.
    """
    required = [spec for spec in schema.inputs if not spec.optional]
    if any(schema.flat_columns(spec) is None for spec in required):
        return table
    names = [name for spec in required for name in (spec.name, *(schema.flat_columns(spec) or ()))]
    _check(table, tuple(dict.fromkeys(names)))
    lacking = [
        name
        for spec in required
        if spec.name not in table.columns
        for name in schema.flat_columns(spec) or ()
        if name not in table.columns
    ]
    return table.completed(lacking) if lacking else table


def joined_cells(table: Table, names: Iterable[str]) -> dict[str, Column]:
    """Returns columns for formats of tables: as text, strings as they are and all else as JSON.

    A column that no row has is missing cells.
    """
    return {name: typed_column(_cells(table, name), _ANY) for name in names}


def joined_lines(
    records: Sequence[Any], predicted: bytes, names: Sequence[str], chosen: Sequence[str] | None
) -> bytes:
    """Puts records before what was predicted for them, an object per line.

    Of a record, the chosen columns come back, null where it lacks one; None is for all.

    Raises:
        BadRows: Some records cannot be joined.
    """
    _check_joined(records, chosen, names)
    if chosen is not None:
        records = [{name: record.get(name) for name in chosen} for record in records]
    rows = zip(records, predicted.splitlines(keepends=True), strict=True)
    return b"".join(orjson.dumps(record)[:-1] + b"," + row[1:] if record else row for record, row in rows)


def _check(table: Table, names: Sequence[str]) -> None:
    found: list[Column] = []
    for name in names:
        if name in table.columns:
            found.append(column := table.columns[name])
            if isinstance(column, list) and NoneType not in map(type, column):
                return  # every record has this one
    rows = zip(*found, strict=True) if found else ((),) * table.rows
    empty = [number for number, cells in enumerate(rows, 1) if all(cell is None for cell in cells)]
    if empty:
        raise BadRows(dict.fromkeys(empty, f"the record has none of the columns {listing(names)}"))


def _check_joined(records: Sequence[Any], chosen: Sequence[str] | None, names: Sequence[str]) -> None:
    reasons: dict[int, str] = {}
    predicted = set(names)
    always = predicted.intersection(chosen or ())
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            reasons[number] = "only an object can be joined, as its columns have names"
        elif twice := always if chosen is not None else predicted.intersection(record):
            reasons[number] = f"two columns of the answer would be {min(twice)!r}; choose others with join"
    if reasons:
        raise BadRows(reasons)


def _cells(table: Table, name: str) -> list[Any]:
    column = table.columns[name] if name in table.columns else [None] * table.rows
    return column if isinstance(column, list) else values_of(column)
