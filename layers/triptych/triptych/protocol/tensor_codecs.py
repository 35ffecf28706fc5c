"""Tensors as they travel: as raw bytes, as JSON values, and outputs as their best classes.

Raw bytes are little-endian, row-major, elements of BYTES with their length before them. JSON has no NaN and
no infinity: both ways, NaN travels as null and the infinities as the strings "Infinity" and "-Infinity",
which NumPy reads as it stands. FP16 travels as numbers, BF16 only in binary.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from triptych.errors import BadRequest
from triptych.protocol.datatypes import BF16, BOOL, BYTES, Datatype, Kind
from triptych.protocol.json_document import dump
from triptych.protocol.tensors import Array, Tensor, from_bits

_LENGTH = struct.Struct("<I")  # bytes of an element, before it
_SHOWN = 40  # bytes of a wrong value that are shown


def decode_binary(
    datatype: Datatype, shape: tuple[int, ...], raw: memoryview, where: str, *, text: bool = True
) -> Tensor:
    """Returns the tensor in raw bytes.

    Numeric tensors share the memory of the request where its alignment allows. Elements of BYTES become
    strings, or without `text` stay bytes, as files are.

    Raises:
        BadRequest: The bytes are not of this datatype or do not fill this shape.
    """
    values = _strings(shape, raw, where, text=text) if datatype is BYTES else _numbers(datatype, raw, where)
    return Tensor(datatype, shaped(values, shape, where))


def encode_binary(tensor: Tensor) -> bytes:
    """Returns the raw bytes of a tensor."""
    if tensor.datatype is BYTES:
        elements = [str(value).encode() for value in tensor.values.reshape(-1).tolist()]
        return b"".join(part for element in elements for part in (_LENGTH.pack(len(element)), element))
    return tensor.values.tobytes()


def _numbers(datatype: Datatype, raw: memoryview, where: str) -> Array:
    if len(raw) % datatype.size:
        raise BadRequest(
            f"{where}: {len(raw)} bytes are not a multiple of {datatype.size}, the size of {datatype.name}"
        )
    if datatype is BOOL:
        return np.frombuffer(raw, dtype=np.uint8).astype(np.bool_)
    values: Array = np.frombuffer(raw, dtype=datatype.storage)
    return values if values.flags.aligned else values.copy()


def _strings(shape: tuple[int, ...], raw: memoryview, where: str, *, text: bool) -> Array:
    count = math.prod(shape)
    elements: list[str] | list[bytes]
    try:
        elements = list(islice(_elements(raw), count + 1))
        if text:
            elements = [element.decode() for element in elements]
    except struct.error:
        raise BadRequest(f"{where}: the bytes end inside the length of an element") from None
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"{where}: BYTES elements must be UTF-8, which is what ONNX strings are: {error}"
        ) from None
    except EOFError:
        raise BadRequest(f"{where}: the bytes end inside an element") from None
    if len(elements) > count:  # the rest is not decoded, which would take seconds of millions
        raise BadRequest(f"{where}: shape {list(shape)} takes {count} values, got more")
    values = np.empty(len(elements), dtype=object)
    values[:] = elements
    return values


def _elements(raw: memoryview) -> Iterator[bytes]:
    data, position = bytes(raw), 0  # slices of bytes take half the time of slices of a view
    while position < len(data):
        (length,) = _LENGTH.unpack_from(data, position)
        start = position + _LENGTH.size
        position = start + length
        if position > len(data):
            raise EOFError
        yield data[start:position]


def decode_json(datatype: Datatype, shape: tuple[int, ...], data: list[Any], where: str) -> Tensor:
    """Returns the tensor in JSON values, flat or nested as the shape says, row-major.

    Raises:
        BadRequest: The values are not of this datatype or do not fill this shape.
    """
    if datatype is BF16:
        raise BadRequest(f"{where}: BF16 has no JSON form; send it in binary")
    try:
        values = _floats(data, datatype) if datatype.kind == "float" else _others(data, datatype)
    except (ValueError, TypeError, OverflowError, FloatingPointError) as error:
        raise BadRequest(f"{where}: expected {datatype.name} values: {error}") from None
    if values.ndim != 1 and values.shape != _nesting(shape):
        raise BadRequest(f"{where}: 'shape' says {list(shape)}, but 'data' is nested as {list(values.shape)}")
    return Tensor(datatype, shaped(values, shape, where))


def encode_json(tensor: Tensor, where: str) -> Array | list[Any]:
    """Returns the flat, row-major JSON values of a tensor.

    Raises:
        BadRequest: The datatype has no JSON form.
    """
    if tensor.datatype is BF16:
        raise BadRequest(f"{where}: BF16 has no JSON form; ask for it with parameters.binary_data = true")
    flat = np.ascontiguousarray(tensor.values).reshape(-1)
    if tensor.datatype.kind == "bytes":
        return list(flat)
    if tensor.datatype.kind == "float" and np.isinf(flat).any():
        return _with_infinities(flat)
    return flat


def _nesting(shape: tuple[int, ...]) -> tuple[int, ...]:
    # Inside an empty array there is nothing to nest any further.
    return shape[: shape.index(0) + 1] if 0 in shape else shape


def _with_infinities(flat: Array) -> list[Any]:
    values = flat.astype(object)
    values[np.isposinf(flat)] = "Infinity"
    values[np.isneginf(flat)] = "-Infinity"
    return list(values)


def _floats(data: list[Any], datatype: Datatype) -> Array:
    # The conversion reads null as NaN and "Infinity" as what it says, in one pass.
    with np.errstate(over="raise"):
        return np.array(data, dtype=datatype.storage)


_OTHERS: dict[Kind, tuple[type, str]] = {
    "int": (int, "whole numbers"),
    "bool": (bool, "true or false"),
    "bytes": (str, "strings"),
}


def _others(data: list[Any], datatype: Datatype) -> Array:
    kind, called = _OTHERS[datatype.kind]
    # As objects first: one dtype for all would turn 1.5 and true into 1, and pad strings to the longest.
    values = np.array(data, dtype=object)
    flat = values.reshape(-1).tolist()
    if any(found is not kind for found in set(map(type, flat))):
        other = next(value for value in flat if type(value) is not kind)
        raise TypeError(f"only {called}, got {dump(other)[:_SHOWN].decode(errors='replace')}")
    return values.astype(datatype.storage, copy=False)


def classify(tensor: Tensor, classes: int, labels: Sequence[str], where: str) -> Tensor:
    """Returns the best classes along the last axis of scores: Triton's classification extension.

    Returns:
        A BYTES tensor of shape `[..., classes]`, each element `"score:index"` or
        `"score:index:label"`, best first; of equal scores the lower index first.

    Raises:
        BadRequest: The output holds no scores.
    """
    if tensor.datatype is BYTES or not tensor.shape:
        raise BadRequest(f"{where}: classification needs numbers with at least one axis")
    scores = _comparable(tensor)
    best = np.argsort(-scores, axis=-1, kind="stable")[..., :classes]
    values = np.empty(best.shape, dtype=object)
    for position in np.ndindex(best.shape):
        index = int(best[position])
        values[position] = _entry(scores[*position[:-1], index], index, labels)
    return Tensor(BYTES, values)


def _comparable(tensor: Tensor) -> Array:
    if tensor.datatype is BF16:
        return from_bits(tensor.values)
    return tensor.values.astype("<f8") if tensor.datatype.kind != "int" else tensor.values.astype(object)


def _entry(score: float | np.floating, index: int, labels: Sequence[str]) -> str:
    shown = str(score) if isinstance(score, int) else f"{score:f}"
    return f"{shown}:{index}:{labels[index]}" if index < len(labels) else f"{shown}:{index}"


def shaped(values: Array, shape: tuple[int, ...], where: str) -> Array:
    """Reshapes values to a shape that they fill exactly.

    Raises:
        BadRequest: There are more or fewer of them, or no array can have this shape.
    """
    if values.shape == shape:
        return values
    if values.size != math.prod(shape):
        raise BadRequest(f"{where}: shape {list(shape)} takes {math.prod(shape)} values, got {values.size}")
    try:
        return values.reshape(shape)
    except ValueError as error:
        raise BadRequest(f"{where}: shape {list(shape)} is not possible: {error}") from None
