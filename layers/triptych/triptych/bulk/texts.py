"""Records of CSV and JSON Lines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import orjson

from triptych.bulk.block import Block
from triptych.tables.codec import decode_rows
from triptych.tables.formats import Representation
from triptych.tables.json_codec import decode_json_lines
from triptych.tables.records import CsvRecords
from triptych.tables.schema import RowSchema
from triptych.tables.table import Table

_SHOWN = 2**16  # bytes of a record


class CsvBlock(Block):
    """Some records of CSV.

    Args:
        text: The records.
        head: The header row with its newline, which stands for none where it is empty.
        form: How they are written.
        schema: Names the columns when there is no header row.
    """

    def __init__(self, text: bytes, head: bytes, form: Representation, schema: RowSchema) -> None:
        self._text = text
        self._head = head
        self._form = form._replace(header=bool(head))
        self._schema = schema

    def table(self) -> Table:
        """Decodes them."""
        return decode_rows(self._head + self._text, self._form, self._schema)

    def header(self) -> Table:
        """Gives the columns of the header row; none where there is no such row."""
        return decode_rows(self._head, self._form, self._schema) if self._head else Table({}, 0)

    def count(self) -> int:
        """Counts those that are not blank."""
        return len(self._records)

    def take(self, records: Sequence[int]) -> CsvBlock:
        """Gives some of them."""
        taken = [self._records[record].strip(b"\r\n") for record in records]
        block = CsvBlock(b"\n".join(taken), self._head, self._form, self._schema)
        block._records = taken  # found once
        return block

    def shown(self, record: int) -> str:
        """Gives a record as it stands, without its newline."""
        return _text(self._records[record].strip(b"\r\n"))

    @cached_property
    def _records(self) -> list[bytes]:
        return CsvRecords(self._form.delimiter.encode()).split(self._text)


class LineBlock(Block):
    """Some records of JSON Lines.

    Args:
        text: The lines.
        schema: Names the cells that come without names.
    """

    def __init__(self, text: bytes, schema: RowSchema) -> None:
        self._text = text
        self._schema = schema

    def table(self) -> Table:
        """Decodes them."""
        return decode_json_lines(self._text, self._schema)

    def header(self) -> Table:
        """Gives no columns: every record has its own."""
        return Table({}, 0)

    def count(self) -> int:
        """Counts those that are not blank."""
        return len(self.lines)

    def take(self, records: Sequence[int]) -> LineBlock:
        """Gives some of them."""
        return LineBlock(b"\n".join(self.lines[record] for record in records), self._schema)

    def shown(self, record: int) -> Any:  # noqa: ANN401 - JSON
        """Gives the value of a line, or its text where it is none."""
        line = self.lines[record]
        try:
            return orjson.loads(line) if len(line) <= _SHOWN else _text(line)
        except orjson.JSONDecodeError:
            return _text(line)

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines that are not blank."""
        return [line for line in self._text.split(b"\n") if line.strip()]


def _text(record: bytes) -> str:
    return record[:_SHOWN].decode(errors="replace")
