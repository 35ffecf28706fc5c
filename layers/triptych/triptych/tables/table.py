"""Rows in memory: named columns of equal length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

from arro3.core import Array as ArrowArray

from triptych.errors import BadRequest, PayloadTooLarge

Column = ArrowArray | list[Any]
"""Cells of one column: an Arrow array (CSV: text, as it came; Parquet: typed), or JSON values."""

EMPTY = "the input is empty: it has neither a record nor a header"
"""Message about a body or a file; a header without records is a table of no rows, and no failure."""

MAX_COLUMNS = 16_384
"""Columns that a table can have, as in a spreadsheet: each costs time even where it is not used."""

MAX_CELLS = 2**25
"""Cells that are made of a table: JSON rows that each have other keys make one far larger than they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows.

    Attributes:
        columns: Columns by name, in their order.
        rows: How many rows there are.
    """

    columns: Mapping[str, Column]
    rows: int


class RecordColumns(Mapping[str, list[Any]]):
    """Columns of JSON objects, gathered when asked for: what is not used costs nothing.

    Args:
        records: An object per row; a key that a row lacks is a missing cell.
    """

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._records = records
        self._names = dict.fromkeys(chain.from_iterable(records))

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._names:
            raise KeyError(name)
        try:
            return list(map(itemgetter(name), self._records))
        except KeyError:
            return [record.get(name) for record in self._records]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class AllColumns(Mapping[str, Column]):
    """The columns of some rows, and as missing cells those that only other rows have.

    Args:
        table: The rows.
        names: All columns.
    """

    def __init__(self, table: Table, names: tuple[str, ...]) -> None:
        self._table = table
        self._names = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Column:
        if name in self._table.columns:
            return self._table.columns[name]
        if name in self._names:
            return [None] * self._table.rows
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def check_names(names: Sequence[str]) -> None:
    """Checks the names of columns.

    Raises:
        BadRequest: Two columns have the same name.
        PayloadTooLarge: There are too many.
    """
    check_cells(len(names), 0)
    if len(set(names)) < len(names):
        ((twice, _),) = Counter(names).most_common(1)
        raise BadRequest(f"column {twice[:64]!r} is there twice")


def check_cells(columns: int, rows: int) -> None:
    """Checks that columns are worth making.

    Raises:
        PayloadTooLarge: There are too many of them, or they have too many cells.
    """
    if columns > MAX_COLUMNS:
        raise PayloadTooLarge(f"there are more columns than the {MAX_COLUMNS} that are read")
    if columns * rows > MAX_CELLS:
        raise PayloadTooLarge(
            f"{columns} columns of {rows} rows are more than the {MAX_CELLS} cells that are taken "
            "at once; send less"
        )
