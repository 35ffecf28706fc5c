"""The footer of a Parquet file: its row groups, and footers of some of them only.

A footer with fewer row groups makes a Parquet file of the bytes of just these groups, wherever they lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from triptych.errors import BadRequest
from triptych.tables.thrift import Field, ThriftError, read_struct, signed, struct_list

MAGIC: Final = b"PAR1"
TAIL: Final = 8
"""Bytes at the end of a file: how long the footer is, and the magic."""

MAX_FOOTER: Final = 32 * 2**20
"""Bytes of a footer; one of a thousand row groups of a hundred columns has about ten megabytes."""

_UNREADABLE = "the file is not readable as Parquet"
_ROWS, _GROUPS = 3, 4  # fields of the footer
_COLUMNS, _GROUP_ROWS = 1, 3  # of a row group
_META, _DATA_PAGE, _DICTIONARY_PAGE, _COMPRESSED = 3, 9, 11, 7  # of a column, and of what describes it


class RowGroup(NamedTuple):
    """Rows that are stored together.

    Attributes:
        first: Number of its first row in the file.
        rows: How many rows.
        start: Where its bytes begin.
        end: Where they end.
    """

    first: int
    rows: int
    start: int
    end: int


class Footer(NamedTuple):
    """A footer.

    Attributes:
        data: Its bytes.
        groups: The row groups of the file, in the order of its rows.
    """

    data: bytes
    groups: tuple[RowGroup, ...]

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return sum(group.rows for group in self.groups)

    def only(self, first: int, last: int) -> bytes:
        """Makes the end of a file that has just the row groups with these numbers, both included."""
        fields = read_struct(self.data)
        spans = fields[_GROUPS].spans[first : last + 1]
        rows = sum(group.rows for group in self.groups[first : last + 1])
        groups = struct_list([self.data[start:end] for start, end in spans])
        changed = {_ROWS: signed(rows), _GROUPS: groups}
        footer = _with(self.data, fields, changed)
        return footer + len(footer).to_bytes(4, "little") + MAGIC


def footer_length(tail: bytes, size: int) -> int:
    """Reads how many bytes the footer has.

    Args:
        tail: The last bytes of the file.
        size: Bytes of the file.

    Raises:
        BadRequest: It is no Parquet file.
    """
    if size < TAIL + len(MAGIC) or tail[-len(MAGIC) :] != MAGIC:
        if tail.endswith(b"PARE"):
            raise BadRequest("encrypted Parquet is not read here; write the file without encryption")
        raise BadRequest(f"{_UNREADABLE}: it must end with PAR1; perhaps it was not written to its end")
    length = int.from_bytes(tail[-TAIL : -len(MAGIC)], "little")
    if not 0 < length <= min(MAX_FOOTER, size - TAIL - len(MAGIC)):
        raise BadRequest(f"{_UNREADABLE}: its footer cannot have {length} bytes")
    return length


def read_footer(data: bytes, size: int) -> Footer:
    """Reads a footer.

    Args:
        data: Its bytes.
        size: Bytes of the file.

    Raises:
        BadRequest: It is none, or tells of bytes that the file does not have.
    """
    try:
        fields = read_struct(data)
        return Footer(data, tuple(_groups(fields[_GROUPS].value, size - TAIL - len(data))))
    except (ThriftError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadRequest(f"{_UNREADABLE}: its footer is damaged ({error}); write the file again") from None


def _groups(groups: Sequence[dict[int, Any]], size: int) -> list[RowGroup]:
    found: list[RowGroup] = []
    first = 0
    for group in groups:
        rows = group[_GROUP_ROWS]
        spans = [_span(column[_META]) for column in group[_COLUMNS]]
        start, end = min(span[0] for span in spans), max(span[1] for span in spans)
        if type(rows) is not int or rows < 0 or not 0 <= start <= end <= size:
            raise ThriftError("a row group lies outside of the file")
        found.append(RowGroup(first, rows, start, end))
        first += rows
    return found


def _span(column: dict[int, Any]) -> tuple[int, int]:
    start = min(column[_DATA_PAGE], column.get(_DICTIONARY_PAGE) or column[_DATA_PAGE])
    return start, start + column[_COMPRESSED]


def _with(data: bytes, fields: dict[int, Field], changed: dict[int, bytes]) -> bytes:
    """Puts other values in place of those of some fields."""
    written = bytearray()
    position = 0
    for number, value in sorted(changed.items(), key=lambda entry: fields[entry[0]].start):
        field = fields[number]
        written += data[position : field.value_start] + value
        position = field.end
    return bytes(written + data[position:])
