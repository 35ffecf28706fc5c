"""JSON rows: JSON Lines, and `{"instances": [...]}` as TensorFlow Serving takes it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import orjson
from arro3.core import RecordBatch
from arro3.io import write_ndjson

from triptych.errors import BadRequest, BadRows, PayloadTooLarge, RowError
from triptych.protocol.json_document import check_size, dump, parse_object
from triptych.rows.arrow import arrow_failures
from triptych.rows.csv import BYTE_ORDER_MARK
from triptych.rows.outputs import json_column
from triptych.rows.schema import RowSchema, row_size
from triptych.rows.table import EMPTY, Column, RecordColumns, Table
from triptych.rows.values import describe

MAX_ROWS = 2**20
"""Rows of JSON that are read at once: a few seconds of work, so that the answer comes in time."""


def decode_json_lines(body: bytes, schema: RowSchema) -> Table:
    """Reads JSON Lines: on each line an object, an array of cells, or the one cell.

    Blank lines count for nothing.

    Args:
        body: UTF-8 text, with or without byte order mark.
        schema: Names the cells that come without names.

    Raises:
        BadRequest: A line is not JSON, or not a row.
        PayloadTooLarge: There is more than can be read at once.
    """
    check_size(body)
    lines = [line for line in body.removeprefix(BYTE_ORDER_MARK).split(b"\n") if line.strip()]
    if not lines:
        raise BadRequest(EMPTY)
    try:
        rows = [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError:
        raise _bad_line(lines) from None
    return _table(rows, schema)


def decode_instances(body: bytes, schema: RowSchema) -> Table:
    """Reads `{"instances": [...]}`, each instance as a line of JSON Lines.

    Args:
        body: UTF-8 text, with or without byte order mark.
        schema: Names the cells that come without names.

    Raises:
        BadRequest: The body is not such an object, or an instance is not a row.
        PayloadTooLarge: There is more than can be read at once.
    """
    message = parse_object(body.removeprefix(BYTE_ORDER_MARK))
    rows = message.get("instances")
    if not isinstance(rows, list):
        raise BadRequest(f"expected {{\"instances\": [...]}}, got {describe(rows)} as 'instances'")
    return _table(rows, schema)


def encode_json_lines(columns: Mapping[str, Column]) -> bytes:
    """Writes an object per row and line.

    Raises:
        BadRequest: A column has a type that JSON cannot hold.
    """
    return b"".join(line + b"\n" for line in _objects(columns))


def encode_predictions(columns: Mapping[str, Column], envelope: Mapping[str, object]) -> bytes:
    """Writes `{..., "predictions": [...]}` with an object per row.

    Args:
        columns: Columns of equal length by name.
        envelope: What stands before the predictions.

    Raises:
        BadRequest: A column has a type that JSON cannot hold.
    """
    front = dump({**envelope, "predictions": []})[: -len(b"]}")]
    return front + b",".join(_objects(columns)) + b"]}"


def _table(rows: list[Any], schema: RowSchema) -> Table:
    if len(rows) > MAX_ROWS:
        raise PayloadTooLarge(f"{len(rows)} rows of JSON are more than the {MAX_ROWS} that are read at once")
    if not set(map(type, rows)) <= {dict}:
        rows = [_record(row, schema, number) for number, row in enumerate(rows, start=1)]
    return Table(RecordColumns(rows), len(rows))


def _record(row: object, schema: RowSchema, number: int) -> Mapping[str, Any]:
    if isinstance(row, dict):
        return row
    spec = schema.only_input
    if isinstance(row, list):
        if spec is not None and row_size(spec) != 1 and not _is_features(row, schema):
            return {spec.name: row}
        return dict(zip(schema.names_for(len(row), number), row, strict=True))
    if spec is None or row_size(spec) not in (1, None):
        raise RowError(number, f"expected an object or an array, got {describe(row)}")
    return {(schema.flat_columns(spec) or (spec.name,))[0]: row}


def _is_features(row: list[Any], schema: RowSchema) -> bool:
    return len(schema.features() or ()) == len(row) and list not in map(type, row)


def _bad_line(lines: Sequence[bytes]) -> BadRows:
    reasons: dict[int, str] = {}
    for number, line in enumerate(lines, start=1):
        try:
            orjson.loads(line)
        except orjson.JSONDecodeError as error:
            reasons[number] = f"is not valid JSON: {error}"
    return BadRows(reasons, " ")


def _objects(columns: Mapping[str, Column]) -> list[bytes]:
    """Writes an object per row: Arrow columns together and fast, columns of JSON values one by one."""
    encoded = [(name, json_column(column)) for name, column in columns.items()]
    runs = groupby(encoded, key=lambda pair: isinstance(pair[1], list))
    parts = [_values(dict(pairs)) if are_values else _arrays(dict(pairs)) for are_values, pairs in runs]
    if len(parts) == 1:
        return parts[0]
    return [b"{" + b",".join(part[1:-1] for part in row) + b"}" for row in zip(*parts, strict=True)]


def _arrays(columns: dict[str, Any]) -> list[bytes]:
    file = io.BytesIO()
    with arrow_failures("the answer cannot be written as JSON"):
        batch = RecordBatch.from_arrays(list(columns.values()), names=list(columns))
        write_ndjson(batch, file, explicit_nulls=True)
    return file.getvalue().split(b"\n")[:-1]


def _values(columns: dict[str, Any]) -> list[bytes]:
    try:
        rows = zip(*columns.values(), strict=True)
        return [orjson.dumps(dict(zip(columns, row, strict=True))) for row in rows]
    except orjson.JSONEncodeError as error:
        raise BadRequest(f"the answer cannot be written as JSON: {error}") from None
