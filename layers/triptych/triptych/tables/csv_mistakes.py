"""What most likely went wrong with CSV whose columns are not those of the model."""

from __future__ import annotations

import re
from urllib.parse import quote

from triptych.errors import BadRequest
from triptych.tables.schema import RowSchema
from triptych.tables.table import MAX_COLUMNS

_MARKS = ";\t|,"
_NAMES = {"\t": "tab"}
_NUMBER = re.compile(rb"[+-]?[0-9]+(\.[0-9]*)?")


def other_delimiter(line: str, delimiter: str) -> str | None:
    """Words the delimiter that a line most likely has; None when it has the given one, or none at all.

    Args:
        line: The header row, or another row.
        delimiter: What should separate its cells.
    """
    mark = max(_MARKS, key=line.count)
    if delimiter in line or mark not in line:
        return None
    name = _NAMES.get(mark, mark)
    in_url = "" if quote(name) == name else f" ({quote(name)} in a URL)"
    return f"it looks like the delimiter is {name!r}, set delimiter={name}{in_url}"


def check_delimiter(header: str, schema: RowSchema, delimiter: str) -> None:
    """Refuses a header row of one column whose name looks like several.

    Raises:
        BadRequest: It does, and the model has no column of this name.
    """
    meant = other_delimiter(header, delimiter)
    if meant and header not in (schema.all_columns() or ()):
        raise BadRequest(f"the CSV has one column, {header[:64]!r}; {meant}")


def lost_newlines(body: bytes, cells: int, schema: RowSchema) -> BadRequest | None:
    """Makes the error for text of one line with the cells of many; None when it is no such text.

    Args:
        body: The text.
        cells: How many cells its first row has.
        schema: Tells how many columns a row of the model has.
    """
    if b"\n" in body or b"\r" in body:
        return None
    columns = len(schema.all_columns() or ()) or MAX_COLUMNS
    if cells < max(2 * columns - 1, columns + 2) and cells <= MAX_COLUMNS:  # two rows share a cell
        return None
    return BadRequest(
        f"the CSV is one line of {cells} cells: its newlines are missing, as `curl -d` takes them away; "
        "send the file with --data-binary"
    )


def holds_rows(line: bytes, schema: RowSchema, delimiter: str) -> bool:
    """Tells whether a header row is more than that: it lacks a column of the model, or has a number."""
    cells = {cell.strip(b' "') for cell in line.split(delimiter.encode())}
    known = {name.encode() for name in schema.all_columns() or ()}
    return not known <= cells or any(map(_NUMBER.fullmatch, cells - known))
