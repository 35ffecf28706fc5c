"""CSV rows: RFC 4180, with LF or CRLF, quoted newlines, and blank lines that count for nothing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from arro3.core import Array, DataType, Field, RecordBatch, Schema
from arro3.io import infer_csv_schema, read_csv, write_csv

from triptych.errors import BadRequest
from triptych.tables.arrow import arrow_failures, columns_of
from triptych.tables.schema import RowSchema
from triptych.tables.table import MAX_COLUMNS, Table, check_cells, check_names

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANK_LINES = re.compile(rb"[\r\n]*+")
_CELL = re.compile(rb'(?:"(?:[^"]++|"")*+"?)?+[^,\r\n]*+')


def decode_csv(body: bytes, schema: RowSchema, *, header: bool) -> Table:
    """Reads CSV; every cell stays the text that it is, an empty one is missing.

    Args:
        body: UTF-8 text, with or without byte order mark.
        schema: Names the columns when the text does not.
        header: Whether the first row names the columns.

    Raises:
        BadRequest: It is not CSV, not UTF-8, or rows have unequal numbers of cells.
        PayloadTooLarge: It has too many columns.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    names = _names(body, schema, header=header)
    check_names(names)
    if not names:
        return Table({}, 0)
    columns, rows = _read(body, names, header=header)
    return Table(dict(zip(names, columns, strict=True)), rows)


def encode_csv(names: Sequence[str], columns: Sequence[Array], *, header: bool) -> bytes:
    """Writes CSV.

    Raises:
        BadRequest: A column has a type that CSV cannot hold.
    """
    file = io.BytesIO()
    with arrow_failures("the answer cannot be written as CSV"):
        write_csv(RecordBatch.from_arrays(columns, names=names), file, header=header)
    return file.getvalue()


def _names(body: bytes, schema: RowSchema, *, header: bool) -> Sequence[str]:
    check_cells(_width(body), 0)
    try:
        with arrow_failures("the body is not CSV"):
            found = infer_csv_schema(body, has_header=header, max_records=0 if header else 1).names
    except BadRequest as error:
        raise _explained(body, error) from None
    if header and not found:
        raise BadRequest("the CSV has no header row; send one, or say header=absent in Content-Type")
    return found if header or not found else schema.names_for(len(found), "row 1")


def _width(body: bytes) -> int:
    """Counts the cells of the first row, to one beyond the limit: Arrow takes hundreds of bytes for each."""
    cells, end = 1, _end(_CELL, body, _end(_BLANK_LINES, body, 0))
    while cells <= MAX_COLUMNS and body[end : end + 1] == b",":
        cells, end = cells + 1, _end(_CELL, body, end + 1)
    return cells


def _end(pattern: re.Pattern[bytes], body: bytes, start: int) -> int:
    match = pattern.match(body, start)
    return match.end() if match else start


def _read(body: bytes, names: Sequence[str], *, header: bool) -> tuple[list[Array], int]:
    text = Schema([Field(name, DataType.utf8()) for name in names])
    # The reader sets memory aside for a batch; no body has more cells than bytes, nor more rows than lines.
    lines = body.count(b"\n") + body.count(b"\r") + 1
    batch = min(lines, len(body) // len(names) + 1)
    try:
        with arrow_failures("the body is not CSV"):
            columns, rows = columns_of(read_csv(body, text, has_header=header, batch_size=batch))
    except BadRequest as error:
        raise _explained(body, error, width=len(names), header=header) from None
    return columns or [Array([], DataType.utf8()) for _ in names], rows


def _explained(body: bytes, error: BadRequest, width: int = 0, *, header: bool = True) -> BadRequest:
    """Looks again, slowly, for the row that could not be read."""
    try:
        records = csv.reader(io.StringIO(body.decode(), newline=""))
        if width:
            filled = (record for record in records if record)
            for number, record in enumerate(filled, start=0 if header else 1):
                if len(record) != width:
                    return BadRequest(f"row {number}: expected {width} cells, got {len(record)}")
    except UnicodeDecodeError as failure:
        return BadRequest(f"the body is not UTF-8: byte {failure.start} cannot be read")
    except csv.Error:
        return error
    return error
