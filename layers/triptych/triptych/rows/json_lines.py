"""JSON rows: JSON Lines, and `{"instances": [...]}` as TensorFlow Serving takes it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import orjson
from arro3.core import Array as ArrowArray
from arro3.core import RecordBatch
from arro3.io import write_ndjson

from triptych.errors import BadRequest, BadRows, PayloadTooLarge, RowError
from triptych.protocol.json_document import check_size, dump, parse_object
from triptych.protocol.tensors import Array
from triptych.rows.arrow import arrow_failures
from triptych.rows.csv import BYTE_ORDER_MARK
from triptych.rows.schema import RowSchema, row_size
from triptych.rows.table import EMPTY, AnswerColumn, RecordColumns, Table
from triptych.rows.values import INFINITIES, describe

MAX_ROWS = 2**20
"""Rows of JSON that are read at once: a few seconds of work, so that the answer comes in time."""


def decode_json_lines(body: bytes, schema: RowSchema) -> Table:
    """Reads JSON Lines: on each line an object, an array of cells, or the one cell.

    Blank lines, and a byte order mark, count for nothing.

    Raises:
        BadRequest: A line is not JSON, or not a row.
        PayloadTooLarge: There is more than can be read at once.
    """
    check_size(body)
    lines = [line for line in body.removeprefix(BYTE_ORDER_MARK).split(b"\n") if line.strip()]
    if not lines:
        raise BadRequest(EMPTY)
    return table_of_records(parse_lines(lines), schema)


def parse_lines(lines: Sequence[bytes]) -> list[Any]:
    """Parses lines of JSON, none of them blank.

    Raises:
        BadRows: Some are not JSON.
    """
    try:
        return [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError:
        raise _bad_lines(lines) from None


def decode_instances(body: bytes, schema: RowSchema) -> Table:
    """Reads `{"instances": [...]}`, each instance as a line of JSON Lines.

    Raises:
        BadRequest: The body is not such an object, or an instance is not a row.
        PayloadTooLarge: There is more than can be read at once.
    """
    message = parse_object(body.removeprefix(BYTE_ORDER_MARK))
    rows = message.get("instances")
    if not isinstance(rows, list):
        raise BadRequest(f"expected {{\"instances\": [...]}}, got {describe(rows)} as 'instances'")
    return table_of_records(rows, schema)


def encode_json_lines(columns: Mapping[str, AnswerColumn]) -> bytes:
    """Writes an object per row and line.

    Raises:
        BadRequest: A column has a type that JSON cannot hold.
    """
    return _objects(columns, b"\n")


def encode_predictions(columns: Mapping[str, AnswerColumn], envelope: Mapping[str, object]) -> bytes:
    """Writes `{**envelope, "predictions": [...]}` with an object per row.

    Raises:
        BadRequest: A column has a type that JSON cannot hold.
    """
    front = dump({**envelope, "predictions": []})[: -len(b"]}")]
    return front + _objects(columns, b",")[:-1] + b"]}"


def table_of_records(rows: Sequence[Any], schema: RowSchema) -> Table:
    """Makes a table of values of JSON: objects, arrays of cells, or the one cell of each row.

    Raises:
        BadRequest: A value is not a row.
        PayloadTooLarge: There are more than can be read at once.
    """
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
        features = len(schema.features or ()) == len(row) and list not in map(type, row)
        if spec is not None and row_size(spec) != 1 and not features:
            return {spec.name: row}
        return dict(zip(schema.names_for(len(row), number), row, strict=True))
    if spec is None or row_size(spec) not in (1, None):
        raise RowError(number, f"expected an object or an array, got {describe(row)}")
    return {(schema.flat_columns(spec) or (spec.name,))[0]: row}


def _bad_lines(lines: Sequence[bytes]) -> BadRows:
    reasons: dict[int, str] = {}
    for number, line in enumerate(lines, start=1):
        try:
            orjson.loads(line)
        except orjson.JSONDecodeError as error:
            reasons[number] = f"is not valid JSON: {error}"
    return BadRows(reasons, " ")


def _objects(columns: Mapping[str, AnswerColumn], end: bytes) -> bytes:
    """Writes an object per row, `end` behind each: the cells column by column, then all into a pattern."""
    try:
        written = {dump(name).replace(b"%", b"%%"): _cells(column) for name, column in columns.items()}
    except orjson.JSONEncodeError as error:
        raise BadRequest(f"the answer cannot be written as JSON: {error}") from None
    row = b"{" + b",".join(name + b":" + pattern for name, (pattern, _) in written.items()) + b"}" + end
    cells = tuple(chain.from_iterable(zip(*(cells for _, cells in written.values()), strict=True)))
    return row * (len(cells) // len(columns)) % cells if cells else b""


def _cells(column: AnswerColumn) -> tuple[bytes, Sequence[bytes]]:
    """Returns the pattern of all cells, and what fills it for each."""
    if isinstance(column, ArrowArray):
        return b"%b", _arrow_cells(column)
    if isinstance(column, np.ndarray) and column.size and column.dtype.kind != "O":
        infinite = column.dtype.kind == "f" and np.isinf(column).any()
        return (b"%b", list(map(dump, _spelt(column)))) if infinite else _numbers(column)
    cells: list[Any] = column if isinstance(column, list) else column.tolist()
    kinds = set(map(type, cells))
    if kinds == {str}:  # quote, comma, quote: so nothing looks but the end of a string and the next one
        return b'"%b"', orjson.dumps(cells)[2:-2].split(b'","')
    if cells and kinds <= {int, float, bool, type(None)}:
        return b"%b", orjson.dumps(cells)[1:-1].split(b",")
    return b"%b", list(map(orjson.dumps, cells))


def _arrow_cells(column: ArrowArray) -> list[bytes]:
    file = io.BytesIO()
    with arrow_failures("the answer cannot be written as JSON"):
        write_ndjson(RecordBatch.from_arrays([column], names=[""]), file, explicit_nulls=True)
    return file.getvalue()[len(b'{"":') : -len(b"}\n")].split(b'}\n{"":') if len(column) else []


def _numbers(values: Array) -> tuple[bytes, Sequence[bytes]]:
    """Writes finite numbers of shape `[rows, ...]`, the shortest decimals that mean them, NaN as null."""
    inner = values.ndim - 1
    opened, closed = b"[" * inner, b"]" * inner
    written = dump(np.ascontiguousarray(values))[1 + inner : -1 - inner]
    return opened + b"%b" + closed, written.split(closed + b"," + opened)


def _spelt(values: Array) -> list[Any]:
    """Returns numbers with the infinities as text."""
    cells = np.array(orjson.loads(dump(np.ascontiguousarray(values).reshape(-1))), dtype=object)
    for text, infinity in INFINITIES.items():
        cells[values.reshape(-1) == infinity] = text
    nested: list[Any] = cells.reshape(values.shape).tolist()
    return nested
