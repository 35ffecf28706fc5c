"""The footer of a Parquet file: its row groups, and footers of some of them only.

A footer with fewer row groups makes a Parquet file of the bytes of just these groups, wherever they lie;
arro3 has no row groups. A footer is a structure in Thrift's compact protocol: the first half of this module
reads such structures and writes parts of them.

Sources: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md and
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from triptych.errors import BadRequest

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = {4, 5, 6}
_DEEPEST = 32


class ThriftError(ValueError):
    """The bytes are no such structure."""


class Field(NamedTuple):
    """A field of a structure.

    Attributes:
        start: Where its header begins.
        value_start: Where its value begins.
        end: Where the next field begins.
        value: Numbers, bytes, lists, and maps of fields by their numbers.
        spans: Where the entries of a list begin and end.
    """

    start: int
    value_start: int
    end: int
    value: Any
    spans: tuple[tuple[int, int], ...] = ()


def read_struct(data: bytes) -> dict[int, Field]:
    """Reads a structure.

    Raises:
        ThriftError: The bytes are none.
    """
    try:
        return _Reader(data).fields(0)
    except IndexError:
        raise ThriftError("it is cut short") from None


def varint(value: int) -> bytes:
    """Writes a number from 0."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*written, value))


def signed(value: int) -> bytes:
    """Writes a number from 0 in the form of signed numbers."""
    return varint(value << 1)


def struct_list(entries: list[bytes]) -> bytes:
    """Writes a list of structures."""
    count = len(entries)
    head = bytes((count << 4 | _STRUCT,)) if count < 15 else bytes((0xF0 | _STRUCT,)) + varint(count)
    return head + b"".join(entries)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def fields(self, depth: int) -> dict[int, Field]:
        """Reads the fields of a structure and its end."""
        if depth > _DEEPEST:
            raise ThriftError("it is nested too deeply")
        found: dict[int, Field] = {}
        number = 0
        while True:
            start = self._at
            head = self._byte()
            if head == 0:
                return found
            number = number + (head >> 4) if head >> 4 else self._signed()
            begin = self._at
            value, spans = self._value(head & 0x0F, depth)
            found[number] = Field(start, begin, self._at, value, spans)

    def _value(self, kind: int, depth: int) -> tuple[Any, tuple[tuple[int, int], ...]]:
        if kind in {_LIST, _SET}:
            return self._list(depth)
        simple: dict[int, Callable[[], Any]] = {
            _TRUE: lambda: True,
            _FALSE: lambda: False,
            _BYTE: self._byte,
            _DOUBLE: lambda: self._bytes(8),
            _BINARY: lambda: self._bytes(self._varint()),
            _MAP: lambda: self._map(depth),
            _STRUCT: lambda: {key: field.value for key, field in self.fields(depth + 1).items()},
            **dict.fromkeys(_INTEGERS, self._signed),
        }
        if kind not in simple:
            raise ThriftError(f"it has a field of the unknown type {kind}")
        return simple[kind](), ()

    def _list(self, depth: int) -> tuple[list[Any], tuple[tuple[int, int], ...]]:
        head = self._byte()
        count = self._varint() if head >> 4 == 15 else head >> 4
        values: list[Any] = []
        spans: list[tuple[int, int]] = []
        for _ in range(count):
            start = self._at
            values.append(self._entry(head & 0x0F, depth))
            spans.append((start, self._at))
        return values, tuple(spans)

    def _entry(self, kind: int, depth: int) -> Any:  # noqa: ANN401 - any value
        return self._byte() if kind in {_TRUE, _FALSE} else self._value(kind, depth + 1)[0]

    def _map(self, depth: int) -> list[Any]:
        count = self._varint()
        if not count:
            return []
        kinds = self._byte()
        return [(self._entry(kinds >> 4, depth), self._entry(kinds & 0x0F, depth)) for _ in range(count)]

    def _byte(self) -> int:
        value = self._data[self._at]
        self._at += 1
        return value

    def _bytes(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise ThriftError("it is cut short")
        self._at += count
        return self._data[self._at - count : self._at]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ThriftError("it has a number that is too long")

    def _signed(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)


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
    """The footer of a file.

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
        """Returns the end of a file of only the row groups from `first` to `last`, both included."""
        fields = read_struct(self.data)
        spans = fields[_GROUPS].spans[first : last + 1]
        rows = sum(group.rows for group in self.groups[first : last + 1])
        groups = struct_list([self.data[start:end] for start, end in spans])
        changed = {_ROWS: signed(rows), _GROUPS: groups}
        footer = _with(self.data, fields, changed)
        return footer + len(footer).to_bytes(4, "little") + MAGIC


def footer_length(tail: bytes, size: int) -> int:
    """Returns how many bytes the footer has.

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
        BadRequest: It is no footer, or points outside of the file.
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
    """Replaces the values of some fields."""
    written = bytearray()
    position = 0
    for number, value in sorted(changed.items(), key=lambda entry: fields[entry[0]].start):
        field = fields[number]
        written += data[position : field.value_start] + value
        position = field.end
    return bytes(written + data[position:])
