"""Reads structures in Thrift's compact protocol, which Parquet files describe themselves in.

Source: the protocol's specification, `doc/specs/thrift-compact-protocol.md` of Apache Thrift.
"""

from __future__ import annotations

from typing import Any

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)
_MAX_DEPTH = 16
_MAX_VARINT = 10  # bytes of a 64-bit integer


class ThriftError(ValueError):
    """The bytes are not such a structure."""


def read_struct(data: bytes) -> dict[int, Any]:
    """Reads a structure: values by the number of their field.

    Raises:
        ThriftError: The bytes are not a structure, or end inside it.
    """
    try:
        return _Reader(data).struct(0)
    except IndexError:
        raise ThriftError("the structure is cut short") from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def struct(self, depth: int) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise ThriftError("the structure is nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            fields[number] = head & 15 == _TRUE if head & 15 <= _FALSE else self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:  # noqa: ANN401 - the type is in the data
        if kind in _INTEGERS:
            return self._integer()
        if kind == _BINARY:
            return self._take(self._varint())
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            return self._list(depth + 1)
        if kind in (_TRUE, _FALSE, _BYTE):  # an element of a list takes a byte even when it is a boolean
            return self._byte()
        if kind == _DOUBLE:
            return self._take(8)
        raise ThriftError(f"type {kind} is not expected here")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        size = self._varint() if head >> 4 == 15 else head >> 4
        if size > len(self._data) - self._position:
            raise ThriftError("a list is longer than the structure")
        return [self._value(head & 15, depth) for _ in range(size)]

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        value = 0
        for place in range(_MAX_VARINT):
            byte = self._byte()
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value
        raise ThriftError("an integer is too long")

    def _byte(self) -> int:
        byte = self._data[self._position]
        self._position += 1
        return byte

    def _take(self, size: int) -> bytes:
        if size > len(self._data) - self._position:
            raise ThriftError("a value is longer than the structure")
        start, self._position = self._position, self._position + size
        return self._data[start : self._position]
