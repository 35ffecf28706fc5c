"""What an ONNX file holds that ONNX Runtime does not show: classes of a classifier, and where weights lie.

The `onnx` package stays out of the function: the few fields that are needed are read here as protobuf writes
them, without the weights between them.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_GRAPH = 7  # ModelProto.graph
_NODE, _INITIALIZER = 1, 5  # GraphProto
_OUTPUT, _ATTRIBUTE = 2, 5  # NodeProto
_NAME, _INTS, _STRINGS = 1, 8, 9  # AttributeProto
_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, b"\x01"  # TensorProto
_KEY, _VALUE = 1, 2  # StringStringEntryProto

_CLASSES = {b"classlabels_strings", b"classlabels_int64s", b"classlabels_ints"}

_SIGN = 1 << 63
_NODES_SIZE = 4 * 2**20
"""Bytes at the begin of a graph that hold its nodes, before the weights."""

Field = tuple[int, memoryview]
"""Number of a field, and its value: a message, a string, packed integers, or one integer as it is encoded."""


class Classes(NamedTuple):
    """The classes that one node of a graph names: of a classifier, or of a ZipMap.

    Attributes:
        output: The last output of the node: the scores, or the maps from class to score.
        labels: The classes in the order of their scores.
        are_strings: Whether they are strings; integers otherwise.
    """

    output: str
    labels: tuple[str, ...]
    are_strings: bool


def classes_in(model: Path) -> list[Classes]:
    """Reads the classes of an ONNX file, for each node that names some."""
    return [found for number, node in _graph(model) if number == _NODE for found in _classes(node)]


def has_external_weights(model: Path) -> bool:
    """Returns whether weights of an ONNX file are in files beside it."""
    if all(file == model for file in model.parent.iterdir()):
        return False
    return any(True for _ in _external_tensors(model))


def files_of_weights(model: Path) -> set[str]:
    """Returns the files, beside an ONNX file, that its weights are said to be in."""
    entries = (
        {key: bytes(value) for key, value in _fields(entry)}
        for tensor in _external_tensors(model)
        for number, entry in tensor
        if number == _EXTERNAL_DATA
    )
    return {
        entry.get(_VALUE, b"").decode(errors="replace") for entry in entries if entry.get(_KEY) == b"location"
    }


def _external_tensors(model: Path) -> Iterator[list[Field]]:
    for number, tensor in _graph(model):
        if number == _INITIALIZER:
            fields = list(_fields(tensor))
            if any(number == _DATA_LOCATION and bytes(value) == _EXTERNAL for number, value in fields):
                yield fields


def _graph(model: Path) -> Iterator[Field]:
    if model.stat().st_size == 0:  # cannot be mapped
        return
    with model.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    for number, graph in _fields(content):
        if number == _GRAPH:
            yield from _fields(graph)


def _classes(node: memoryview) -> Iterator[Classes]:
    fields = list(_fields(node))
    for attribute in (_fields(value) for number, value in fields if number == _ATTRIBUTE):
        number, name = next(
            attribute, (0, b"")
        )  # the name comes first: a forest has millions of values after it
        if number != _NAME or bytes(name) not in _CLASSES:
            continue
        values = list(attribute)
        strings = _texts(values, _STRINGS)
        ints = [str(item) for number, value in values if number == _INTS for item in _integers(value)]
        for output in _texts(fields, _OUTPUT)[-1:]:
            yield Classes(output, tuple(strings or ints), bool(strings))


def _fields(message: memoryview) -> Iterator[Field]:
    """Reads the fields of a message; ends where what follows is none."""
    at = 0
    try:
        while at < len(message):
            at, tag = _varint(message, at)
            start = at
            match tag & 7:  # the wire type
                case 0:  # a varint
                    at, _ = _varint(message, at)
                case 1:  # 64 bits
                    at += 8
                case 2:  # its length before it
                    start, size = _varint(message, at)
                    at = start + size
                case 5:  # 32 bits
                    at += 4
                case _:
                    return
            yield tag >> 3, message[start:at]
    except IndexError:
        return


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Returns the position after an integer of at most ten bytes, and the integer."""
    value = 0
    for shift in range(0, 70, 7):
        value |= (message[at] & 0x7F) << shift
        at += 1
        if message[at - 1] <= 0x7F:
            break
    return at, value


def _integers(values: memoryview) -> Iterator[int]:
    at = 0
    while at < len(values):
        at, value = _varint(values, at)
        yield (value ^ _SIGN) - _SIGN


def _texts(fields: list[Field], wanted: int) -> list[str]:
    return [bytes(value).decode(errors="replace") for number, value in fields if number == wanted]


def quantizes_as_it_runs(model: Path) -> bool:
    """Returns whether a graph finds the scale of its integers from the values of each run."""
    with model.open("rb") as file:
        return b"DynamicQuantize" in file.read(_NODES_SIZE)
