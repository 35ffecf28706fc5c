"""JSON Lines, where each record has columns of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from triptych.errors import BadRows
from triptych.protocol.names import listing
from triptych.rows.arrow import values_of
from triptych.rows.formats import Format
from triptych.rows.schema import RowSchema
from triptych.rows.table import AllColumns, Column, Table, column_of_kinds

_ANY = frozenset({object})


def known_columns(table: Table, schema: RowSchema) -> Table:
    """Gives all rows the columns that the model takes: what a record lacks is a missing cell.

    So no record is read otherwise because of those beside it.

    Raises:
        BadRequest: Some records have none of the columns.
    """
    if any(schema.flat_columns(spec) is None for spec in schema.inputs):
        return table
    names = [name for spec in schema.inputs for name in (spec.name, *(schema.flat_columns(spec) or ()))]
    _check(table, tuple(dict.fromkeys(names)))
    lacking = [
        name
        for spec in schema.inputs
        if spec.name not in table.columns
        for name in schema.flat_columns(spec) or ()
        if name not in table.columns
    ]
    return Table(AllColumns(table, tuple(dict.fromkeys([*table.columns, *lacking]))), table.rows)


def joined_cells(table: Table, join: str) -> dict[str, Column]:
    """Gives columns for formats of tables: as text, strings as they are and all else as JSON.

    Args:
        table: The rows.
        join: `none`, or names of columns with commas between.
    """
    names = () if join == "none" else dict.fromkeys(join.split(","))
    return {name: column_of_kinds(_cells(table, name), _ANY, Format.PARQUET) for name in names}


def joined_lines(lines: Sequence[bytes], predicted: bytes, names: Sequence[str], join: str) -> bytes:
    """Puts records before what was predicted for them.

    Args:
        lines: The records.
        predicted: An object per record and line.
        names: Names of the predicted columns.
        join: `all`, or names of columns with commas between; a record that lacks one has null.

    Raises:
        BadRequest: Some records cannot be joined.
    """
    wanted = None if join == "all" else list(dict.fromkeys(join.split(",")))
    records = [orjson.loads(line) for line in lines]
    _check_joined(records, wanted, names)
    rows = zip(records, predicted.split(b"\n")[:-1], strict=True)
    return b"".join(_spliced(_chosen(record, wanted), row) + b"\n" for record, row in rows)


def _check(table: Table, names: Sequence[str]) -> None:
    found = [table.columns[name] for name in names if name in table.columns]
    rows = zip(*found, strict=True) if found else ((),) * table.rows
    empty = [number for number, cells in enumerate(rows, 1) if all(cell is None for cell in cells)]
    if empty:
        raise BadRows(dict.fromkeys(empty, f"the record has none of the columns {listing(names)}"))


def _check_joined(records: Sequence[Any], wanted: Sequence[str] | None, names: Sequence[str]) -> None:
    reasons: dict[int, str] = {}
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            reasons[number] = "only an object can be joined, as its columns have names"
        elif twice := set(record if wanted is None else wanted) & set(names):
            reasons[number] = f"two columns of the answer would be {min(twice)!r}; choose others with join"
    if reasons:
        raise BadRows(reasons)


def _chosen(record: Mapping[str, Any], wanted: Sequence[str] | None) -> Mapping[str, Any]:
    return record if wanted is None else {name: record.get(name) for name in wanted}


def _spliced(record: Mapping[str, Any], row: bytes) -> bytes:
    return orjson.dumps(record)[:-1] + b"," + row[1:] if record else row


def _cells(table: Table, name: str) -> list[Any]:
    column = table.columns[name] if name in table.columns else [None] * table.rows
    return column if isinstance(column, list) else values_of(column)
