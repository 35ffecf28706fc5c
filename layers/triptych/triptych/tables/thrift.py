"""Structures in Thrift's compact protocol, in which Parquet writes its footers: read, and cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

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
    """Writes a number from 0 as numbers with signs are written."""
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
        """Reads the fields of a structure, whose end is read as well."""
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
