"""Some records of a file that are read together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

from arro3.core import Array, DataType

from triptych.tables.table import Column, Table


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
        """Gives the columns without rows, as far as they are known without them.

        Raises:
            BadRequest: The header cannot be read.
        """
        ...

    def count(self) -> int:
        """Counts the records, also of those that cannot be read."""
        ...

    def take(self, records: Sequence[int]) -> Self:
        """Gives just these records, by their numbers from 0, in ascending order."""
        ...

    def shown(self, record: int) -> object:
        """Gives a record as JSON can hold it, to be shown to people."""
        ...


class TableBlock:
    """Records that are rows of a table already.

    Args:
        rows: The table.
    """

    def __init__(self, rows: Table) -> None:
        self._rows = rows

    def table(self) -> Table:
        """Gives the rows."""
        return self._rows

    def header(self) -> Table:
        """Gives the columns without rows."""
        return self.take([]).table()

    def count(self) -> int:
        """Counts the rows."""
        return self._rows.rows

    def take(self, records: Sequence[int]) -> TableBlock:
        """Gives just these rows."""
        columns = {name: _cells(column, records) for name, column in self._rows.columns.items()}
        return TableBlock(Table(columns, len(records)))

    def shown(self, record: int) -> dict[str, object]:
        """Gives a row by column; what JSON has no form for is text."""
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
