"""JSON Lines of any length as tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from triptych.errors import BadRequest
from triptych.rows.csv import BYTE_ORDER_MARK
from triptych.rows.json_lines import decode_json_lines
from triptych.rows.records import chunks, end_of_lines
from triptych.rows.schema import RowSchema
from triptych.rows.table import EMPTY, AllColumns, Table, check_names, kinds_of
from triptych.spooled.chunk import Chunk, located
from triptych.spooled.csv_chunks import Blocks


class Survey(NamedTuple):
    """What only all rows together tell.

    Attributes:
        names: All columns, in the order in which they turn up.
        kinds: Kinds of the values of some columns.
    """

    names: tuple[str, ...]
    kinds: Mapping[str, frozenset[type]]


def survey_of(parts: Iterable[Chunk], columns: Collection[str] | None) -> Survey:
    """Looks through all rows.

    Args:
        parts: The rows.
        columns: Columns whose kinds are wanted; None for all.

    Raises:
        BadRequest: The rows cannot be read.
        PayloadTooLarge: There are too many columns.
    """
    names: dict[str, None] = {}
    kinds: dict[str, frozenset[type]] = {}
    for part in parts:
        table = part.table
        names |= dict.fromkeys(table.columns)
        check_names(tuple(names))
        for name in table.columns if columns is None else columns:
            if isinstance(values := table.columns.get(name), list):
                kinds[name] = kinds.get(name, frozenset()) | kinds_of(values)
    return Survey(tuple(names), kinds)


def completed(parts: Iterable[Chunk], names: tuple[str, ...]) -> Iterator[Chunk]:
    """Gives each chunk all columns."""
    for part in parts:
        yield part._replace(table=Table(AllColumns(part.table, names), part.table.rows))


def line_chunks(blocks: Blocks, schema: RowSchema, size: int) -> Iterator[Chunk]:
    """Reads JSON Lines in chunks; each has the columns that turn up in it.

    Args:
        blocks: The text.
        schema: Names the cells that come without names.
        size: Bytes of text to read at once.

    Raises:
        BadRequest: There are no rows; else as `decode_json_lines`, with the number of the row in the file.
        PayloadTooLarge: A line is too long.
    """
    rows = 0
    before = b""
    for text in chunks(blocks(size), end_of_lines, size):
        lines = before + text
        before = b"\n"  # a byte order mark counts for nothing only where the file begins
        if not lines.removeprefix(BYTE_ORDER_MARK).strip():
            continue
        with located(rows):
            table = decode_json_lines(lines, schema)
        yield Chunk(table, rows)
        rows += table.rows
    if not rows:
        raise BadRequest(EMPTY)
