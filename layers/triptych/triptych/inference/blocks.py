"""Records of a file that are read together: rows of a table, CSV, or values of JSON.

CSV is decoded at once; it is taken apart into records only where some of them are bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol, Self, override

import orjson
from arro3.core import Array, DataType

from triptych.rows.codec import decode_rows
from triptych.rows.formats import RowFormat
from triptych.rows.json_lines import parse_lines, table_of_records
from triptych.rows.records import CsvRecords
from triptych.rows.schema import RowSchema
from triptych.rows.table import Column, Table

_SHOWN = 2**16  # bytes of a record


class Block(Protocol):
    """Records that follow each other."""

    def table(self) -> Table:
        """Decodes them.

        Raises:
            BadRequest: Some of them cannot be read.
            PayloadTooLarge: They take too much memory.
        """
        ...

    def count(self) -> int:
        """Counts the records that are not blank, also those that cannot be read."""
        ...

    def take(self, records: Sequence[int]) -> Self:
        """Returns just these records, by their numbers from 0, in ascending order."""
        ...

    def shown(self, record: int) -> object:
        """Returns a record as JSON can hold it, to be shown to people."""
        ...


class TableBlock(Block):
    """Rows of a table."""

    def __init__(self, rows: Table) -> None:
        self._rows = rows

    @override
    def table(self) -> Table:
        return self._rows

    @override
    def count(self) -> int:
        return self._rows.rows

    @override
    def take(self, records: Sequence[int]) -> TableBlock:
        chosen = Array(list(records), DataType.int64())
        columns: dict[str, Column] = {
            name: [column[record] for record in records] if isinstance(column, list) else column.take(chosen)
            for name, column in self._rows.columns.items()
        }
        return TableBlock(Table(columns, len(records)))

    @override
    def shown(self, record: int) -> dict[str, object]:
        return {name: _cell(column, record) for name, column in self._rows.columns.items()}


class CsvBlock(Block):
    """Some records of CSV, which are shown as they stand.

    Args:
        head: The header row with its newline, which stands for none where it is empty.
        schema: Names the columns when there is no header row.
    """

    def __init__(self, text: bytes, head: bytes, form: RowFormat, schema: RowSchema) -> None:
        self._text = text
        self._head = head
        self._form = form._replace(header=bool(head))
        self._schema = schema

    @override
    def table(self) -> Table:
        return decode_rows(self._head + self._text, self._form, self._schema)

    @override
    def count(self) -> int:
        return len(self._records)

    @override
    def take(self, records: Sequence[int]) -> CsvBlock:
        taken = [self._records[record].strip(b"\r\n") for record in records]
        block = CsvBlock(b"\n".join(taken), self._head, self._form, self._schema)
        block._records = taken  # found once
        return block

    @override
    def shown(self, record: int) -> str:
        return _text(self._records[record].strip(b"\r\n"))

    @cached_property
    def _records(self) -> list[bytes]:
        return CsvRecords(self._form.delimiter.encode()).split(self._text)


class JsonBlock(Block):
    """Values of JSON, or lines that hold them; the schema names cells that come without names."""

    def __init__(self, raw: Sequence[Any], schema: RowSchema) -> None:
        self._raw = raw
        self._schema = schema

    @cached_property
    def records(self) -> Sequence[Any]:
        """The values."""
        return self._raw

    @override
    def table(self) -> Table:
        return table_of_records(self.records, self._schema)

    @override
    def count(self) -> int:
        return len(self._raw)

    @override
    def take(self, records: Sequence[int]) -> Self:
        return type(self)([self._raw[record] for record in records], self._schema)

    @override
    def shown(self, record: int) -> Any:
        return _value(orjson.dumps(self._raw[record]))


class LineBlock(JsonBlock):
    """Lines of JSON Lines, none blank, which are shown as their values, or as text where they have none."""

    @cached_property
    @override
    def records(self) -> Sequence[Any]:
        """The values; raises `BadRows` where some lines have none."""
        return parse_lines(self._raw)

    @override
    def shown(self, record: int) -> Any:
        return _value(self._raw[record])


def _cell(column: Column, record: int) -> object:
    value: Any = column[record] if isinstance(column, list) else column.slice(record, 1).to_pylist()[0]
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def _value(line: bytes) -> Any:  # noqa: ANN401 - of JSON
    try:
        return orjson.loads(line) if len(line) <= _SHOWN else _text(line)
    except orjson.JSONDecodeError:
        return _text(line)


def _text(record: bytes) -> str:
    return record[:_SHOWN].decode(errors="replace")
