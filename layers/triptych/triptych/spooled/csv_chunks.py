"""CSV of any length as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from triptych.rows.codec import decode_rows
from triptych.rows.csv import BYTE_ORDER_MARK, encode_csv
from triptych.rows.formats import RowFormat
from triptych.rows.records import CsvRecords, chunks
from triptych.rows.schema import RowSchema
from triptych.rows.table import Column
from triptych.spooled.chunk import Chunk, located

Blocks = Callable[[int], Iterable[bytes]]
"""Reads text in blocks of about that many bytes."""


def csv_chunks(blocks: Blocks, form: RowFormat, schema: RowSchema, size: int) -> Iterator[Chunk]:
    """Reads CSV in chunks; all have the same columns.

    Args:
        blocks: The text.
        form: Whether its first row names the columns.
        schema: Names the columns when the text does not.
        size: Bytes of text to read at once.

    Raises:
        BadRequest: As `decode_rows`, with the number of the row in the file.
        PayloadTooLarge: There are too many columns, or a record is too long.
    """
    header, rows, offset = b"", 0, 0
    named = form._replace(header=True)
    records = CsvRecords(form.delimiter.encode())
    for raw in _filled(chunks(blocks(size), records.end, size)):
        text = raw if header else raw.removeprefix(BYTE_ORDER_MARK)
        with located(rows, offset - len(header)):
            table = decode_rows(header + text, form, schema)
        yield Chunk(table, rows)
        rows += table.rows
        offset += len(raw)
        if not header and table.columns:  # they name the columns of what follows, whatever its first row
            none: dict[str, Column] = {name: [] for name in table.columns}
            header = records.first(text) if form.header else encode_csv(none, named)
            form = named


def _filled(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Leaves out what is nothing but blank lines, unless all of it is."""
    blank = b""
    found = False
    for text in texts:
        if text.removeprefix(BYTE_ORDER_MARK).strip(b"\r\n"):
            found = True
            yield text
        else:
            blank = text
    if not found:
        yield blank
