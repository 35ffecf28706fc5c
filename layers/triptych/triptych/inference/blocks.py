"""Records of a file that are read together: of CSV, of JSON Lines, or rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol, Self

import orjson
from arro3.core import Array, DataType

from triptych.rows.codec import decode_rows
from triptych.rows.formats import RowFormat
from triptych.rows.json_lines import decode_json_lines
from triptych.rows.records import CsvRecords
from triptych.rows.schema import RowSchema
from triptych.rows.table import Column, Table


class Block(Protocol):
    """Records that follow each other."""

    def table(self) -> Table:
        """Decodes them.

        Raises:
            BadRequest: Some of them cannot be read.
            PayloadTooLarge: They take too much memory.
        """
        ...

    def header(self) -> Table:
        """Returns the columns without rows, as far as they are known without them.

        Raises:
            BadRequest: The header cannot be read.
        """
        ...

    def count(self) -> int:
        """Counts the records, also of those that cannot be read."""
        ...

    def take(self, records: Sequence[int]) -> Self:
        """Returns just these records, by their numbers from 0, in ascending order."""
        ...

    def shown(self, record: int) -> object:
        """Returns a record as JSON can hold it, to be shown to people."""
        ...


class TableBlock:
    """Records that are rows of a table already.

    Args:
        rows: The table.
    """

    def __init__(self, rows: Table) -> None:
        self._rows = rows

    def table(self) -> Table:
        """Returns the rows."""
        return self._rows

    def header(self) -> Table:
        """Returns the columns without rows."""
        return self.take([]).table()

    def count(self) -> int:
        """Counts the rows."""
        return self._rows.rows

    def take(self, records: Sequence[int]) -> TableBlock:
        """Returns just these rows."""
        columns = {name: _cells(column, records) for name, column in self._rows.columns.items()}
        return TableBlock(Table(columns, len(records)))

    def shown(self, record: int) -> dict[str, object]:
        """Returns a row by column; what JSON has no form for is text."""
        return {name: _shown(column, record) for name, column in self._rows.columns.items()}


def _cells(column: Column, records: Sequence[int]) -> Column:
    return (
        [column[record] for record in records]
        if isinstance(column, list)
        else column.take(Array(list(records), DataType.int64()))
    )


def _shown(column: Column, record: int) -> object:
    value: Any = column[record] if isinstance(column, list) else column.slice(record, 1).to_pylist()[0]
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


_SHOWN = 2**16  # bytes of a record


class CsvBlock(Block):
    """Some records of CSV.

    Args:
        text: The records.
        head: The header row with its newline, which stands for none where it is empty.
        form: How they are written.
        schema: Names the columns when there is no header row.
    """

    def __init__(self, text: bytes, head: bytes, form: RowFormat, schema: RowSchema) -> None:
        self._text = text
        self._head = head
        self._form = form._replace(header=bool(head))
        self._schema = schema

    def table(self) -> Table:
        """Decodes them."""
        return decode_rows(self._head + self._text, self._form, self._schema)

    def header(self) -> Table:
        """Returns the columns of the header row; none where there is no such row."""
        return decode_rows(self._head, self._form, self._schema) if self._head else Table({}, 0)

    def count(self) -> int:
        """Counts those that are not blank."""
        return len(self._records)

    def take(self, records: Sequence[int]) -> CsvBlock:
        """Returns some of them."""
        taken = [self._records[record].strip(b"\r\n") for record in records]
        block = CsvBlock(b"\n".join(taken), self._head, self._form, self._schema)
        block._records = taken  # found once
        return block

    def shown(self, record: int) -> str:
        """Returns a record as it stands, without its newline."""
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
        # A byte order mark counts for nothing only where the file begins, and there it is gone already.
        return decode_json_lines(b"\n" + self._text, self._schema)

    def header(self) -> Table:
        """Returns no columns: every record has its own."""
        return Table({}, 0)

    def count(self) -> int:
        """Counts those that are not blank."""
        return len(self.lines)

    def take(self, records: Sequence[int]) -> LineBlock:
        """Returns some of them."""
        return LineBlock(b"\n".join(self.lines[record] for record in records), self._schema)

    def shown(self, record: int) -> Any:  # noqa: ANN401 - JSON
        """Returns the value of a line, or its text where it is none."""
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
