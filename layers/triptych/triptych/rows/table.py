"""Rows in memory: named columns of equal length."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat
from operator import contains, itemgetter
from typing import Any, cast

import numpy.typing as npt
from arro3.core import Array

from triptych.errors import BadRequest, PayloadTooLarge

Column = Array | list[Any]
"""Cells of one column: an Arrow array (CSV: text, as it came; Parquet: typed), or JSON values."""

AnswerColumn = Column | npt.NDArray[Any]
"""Cells of one column of an answer: a column of the input, or an output of the model, `[rows, ...]`."""

EMPTY = "the input is empty: it has neither a record nor a header"
"""Message about an empty body or file. A header without records is no failure: it is a table of no rows."""

MAX_COLUMNS = 16_384
"""Columns of a table at most, as in a spreadsheet: each costs time even where it is not used."""

MAX_CELLS = 2**25
"""Cells of a table at most: JSON rows that each have other keys make a table far larger than the body."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows: columns by name, in their order, and how many rows there are."""

    columns: Mapping[str, Column]
    rows: int

    def completed(self, names: Iterable[str]) -> Table:
        """Returns the table with all these columns, its own among them; what it lacks are missing cells."""
        missing: dict[str, Column] = dict.fromkeys(names, [None] * self.rows)
        return Table(ChainMap(cast("dict[str, Column]", self.columns), missing), self.rows)


class RecordColumns(Mapping[str, list[Any]]):
    """Columns of JSON objects, gathered when they are asked for: unused ones cost nothing.

    A key that a row lacks is a missing cell.
    """

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._records = records
        self._first = records[0] if records else {}

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self:
            raise KeyError(name)
        try:
            return list(map(itemgetter(name), self._records))
        except KeyError:
            return [record.get(name) for record in self._records]

    def rows(self, names: Sequence[str]) -> list[tuple[Any, ...]] | None:
        """Returns the cells of several columns row by row; None where a row lacks one."""
        try:
            return list(map(itemgetter(*names), self._records))
        except KeyError:
            return None

    @cached_property
    def _names(self) -> Mapping[str, None]:
        return dict.fromkeys(chain.from_iterable(self._records))

    def __contains__(self, name: object) -> bool:
        return name in self._first or any(map(contains, self._records, repeat(name)))

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
    """Checks the size of a table before it is made.

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
