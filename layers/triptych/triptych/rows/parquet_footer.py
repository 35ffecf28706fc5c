"""The footer of a Parquet file: its row groups, and footers of some of them only.

A footer with fewer row groups makes a Parquet file of the bytes of just these groups, wherever they lie;
arro3 has no row groups. A footer is a structure in Thrift's compact protocol: the first half of this module
reads such structures.

Sources: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md and
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from triptych.errors import BadRequest

_TRUE, _FALSE, _BYTE, _SHORT, _INTEGER, _LONG, _DOUBLE = range(1, 8)
_BINARY, _LIST, _SET, _MAP, _STRUCT = range(8, 13)
_DEEPEST = 32


class _Field(NamedTuple):
    """A field of a structure, or an entry of a list: its bytes are from `start` to before `end`.

    Values are numbers, bytes, lists, and maps of values by the numbers of their fields.
    """

    start: int
    end: int
    value: Any


class _Reader:
    def __init__(self, data: bytes, start: int = 0) -> None:
        self._data = data
        self._at = start

    def fields(self, depth: int = 0) -> dict[int, _Field]:
        """Reads the fields of a structure and its end."""
        found: dict[int, _Field] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            start = self._at
            value = self._value(head & 0x0F, depth)
            found[number] = _Field(start, self._at, value)
        return found

    def entries(self, depth: int = 0) -> Iterator[_Field]:
        """Reads the entries of a list."""
        head = self._byte()
        count = self._varint() if head >> 4 == 15 else head >> 4
        for _ in range(count):
            start = self._at
            value = self._entry(head & 0x0F, depth)
            yield _Field(start, self._at, value)

    def _value(self, kind: int, depth: int) -> Any:  # noqa: ANN401, PLR0911 - any value; each kind is read its way
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        if kind in {_TRUE, _FALSE}:
            return kind == _TRUE
        if kind == _BYTE:
            return self._byte()
        if kind in {_SHORT, _INTEGER, _LONG}:
            return self._signed()
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind in {_LIST, _SET}:
            return [entry.value for entry in self.entries(depth)]
        if kind == _MAP:
            return self._map(depth)
        if kind == _STRUCT:
            return {number: field.value for number, field in self.fields(depth + 1).items()}
        raise ValueError(f"it has a field of the unknown type {kind}")

    def _map(self, depth: int) -> list[Any]:
        count = self._varint()
        kinds = self._byte() if count else 0
        return [(self._entry(kinds >> 4, depth), self._entry(kinds & 0x0F, depth)) for _ in range(count)]

    def _entry(self, kind: int, depth: int) -> Any:  # noqa: ANN401 - any value
        return self._byte() if kind in {_TRUE, _FALSE} else self._value(kind, depth + 1)

    def _byte(self) -> int:
        value = self._data[self._at]
        self._at += 1
        return value

    def _bytes(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise IndexError
        self._at += count
        return self._data[self._at - count : self._at]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) > 0x7F:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ValueError("it has a number that is too long")
        return value | byte << shift

    def _signed(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*written, value))


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
    """Rows that are stored together: from `first` on in the file, at the bytes from `start` to `end`."""

    first: int
    rows: int
    start: int
    end: int


class Footer(NamedTuple):
    """The footer of a file."""

    data: bytes
    fields: Mapping[int, _Field]
    groups: Sequence[RowGroup]

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return sum(group.rows for group in self.groups)

    def only(self, first: int, last: int) -> bytes:
        """Returns the end of a file of only the row groups from `first` to `last`, both included."""
        rows = sum(group.rows for group in self.groups[first : last + 1])
        entries = [*_Reader(self.data, self.fields[_GROUPS].start).entries()][first : last + 1]
        groups = b"".join(self.data[entry.start : entry.end] for entry in entries)
        count = len(entries)
        head = bytes((count << 4 | _STRUCT,)) if count < 15 else bytes((0xF0 | _STRUCT,)) + _varint(count)
        changed = {_ROWS: _varint(rows << 1), _GROUPS: head + groups}  # numbers have a sign
        footer, position = b"", 0
        for field, value in sorted((self.fields[number], value) for number, value in changed.items()):
            footer += self.data[position : field.start] + value
            position = field.end
        footer += self.data[position:]
        return footer + len(footer).to_bytes(4, "little") + MAGIC


def footer_length(tail: bytes, size: int) -> int:
    """Returns how many bytes the footer has, by the last bytes of a file of `size` bytes.

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
    """Reads the footer of a file of `size` bytes.

    Raises:
        BadRequest: It is no footer, or points outside of the file.
    """
    try:
        fields = _Reader(data).fields()
        return Footer(data, fields, _groups(fields[_GROUPS].value, size - TAIL - len(data)))
    except IndexError:
        reason = "it is cut short"
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reason = str(error)
    raise BadRequest(f"{_UNREADABLE}: its footer is damaged ({reason}); write the file again")


def _groups(groups: Sequence[dict[int, Any]], size: int) -> list[RowGroup]:
    found: list[RowGroup] = []
    first = 0
    for group in groups:
        rows = group[_GROUP_ROWS]
        spans = [_span(column[_META]) for column in group[_COLUMNS]]
        start, end = min(span[0] for span in spans), max(span[1] for span in spans)
        if type(rows) is not int or rows < 0 or not 0 <= start <= end <= size:
            raise ValueError("a row group lies outside of the file")
        found.append(RowGroup(first, rows, start, end))
        first += rows
    return found


def _span(column: dict[int, Any]) -> tuple[int, int]:
    start = min(column[_DATA_PAGE], column.get(_DICTIONARY_PAGE) or column[_DATA_PAGE])
    return start, start + column[_COMPRESSED]
