"""Tensors as raw bytes: little-endian, row-major; BYTES as length-prefixed elements."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from itertools import islice

import numpy as np

from triptych.errors import BadRequest
from triptych.protocol.datatypes import BOOL, BYTES, Datatype
from triptych.tensors.shaping import shaped
from triptych.tensors.tensor import Array, Tensor

_LENGTH = struct.Struct("<I")


def decode_binary(datatype: Datatype, shape: tuple[int, ...], raw: memoryview, where: str) -> Tensor:
    """Makes a tensor of raw bytes.

    Numeric tensors share the memory of the request where its alignment allows.

    Args:
        datatype: Declared datatype.
        shape: Declared shape.
        raw: The bytes.
        where: The part of the request that holds them, for messages.

    Raises:
        BadRequest: The bytes are not of this datatype or do not fill this shape.
    """
    values = _strings(shape, raw, where) if datatype is BYTES else _numbers(datatype, raw, where)
    return Tensor(datatype, shaped(values, shape, where))


def encode_binary(tensor: Tensor) -> bytes:
    """Gives the raw bytes of a tensor."""
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


def _strings(shape: tuple[int, ...], raw: memoryview, where: str) -> Array:
    wanted = math.prod(shape)
    try:
        elements = list(islice(_elements(raw), wanted + 1))
    except struct.error:
        raise BadRequest(f"{where}: the bytes end inside the length of an element") from None
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"{where}: BYTES elements must be UTF-8, which is what ONNX strings are: {error}"
        ) from None
    except EOFError:
        raise BadRequest(f"{where}: the bytes end inside an element") from None
    if len(elements) > wanted:  # the rest is not decoded, which would take seconds of millions
        raise BadRequest(f"{where}: shape {list(shape)} takes {wanted} values, got more")
    values = np.empty(len(elements), dtype=object)
    values[:] = elements
    return values


def _elements(raw: memoryview) -> Iterator[str]:
    data, position = bytes(raw), 0  # slices of bytes take half the time of slices of a view
    while position < len(data):
        (length,) = _LENGTH.unpack_from(data, position)
        start = position + _LENGTH.size
        position = start + length
        if position > len(data):
            raise EOFError
        yield data[start:position].decode()
