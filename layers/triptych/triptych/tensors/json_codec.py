"""Tensors as JSON values.

JSON has no NaN and no infinity. Both ways, NaN travels as null and the infinities as the strings
"Infinity" and "-Infinity", which NumPy reads as it stands. FP16 travels as numbers, BF16 only in binary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from triptych.errors import BadRequest
from triptych.protocol.datatypes import BF16, Datatype, Kind
from triptych.protocol.json_body import dump
from triptych.tensors.shaping import shaped
from triptych.tensors.tensor import Array, Tensor

_SHOWN = 40  # bytes of a wrong value that are shown


def decode_json(datatype: Datatype, shape: tuple[int, ...], data: list[Any], where: str) -> Tensor:
    """Makes a tensor of JSON values.

    Args:
        datatype: Declared datatype.
        shape: Declared shape.
        data: Values, flat or nested as the shape says, row-major.
        where: The part of the request that holds them, for messages.

    Raises:
        BadRequest: The values are not of this datatype or do not fill this shape.
    """
    if datatype is BF16:
        raise BadRequest(f"{where}: BF16 has no JSON form; send it in binary")
    try:
        values = _READERS[datatype.kind](data, datatype)
    except (ValueError, TypeError, OverflowError, FloatingPointError) as error:
        raise BadRequest(f"{where}: expected {datatype.name} values: {error}") from None
    if values.ndim != 1 and values.shape != _nesting(shape):
        raise BadRequest(f"{where}: 'shape' says {list(shape)}, but 'data' is nested as {list(values.shape)}")
    return Tensor(datatype, shaped(values, shape, where))


def encode_json(tensor: Tensor, where: str) -> Array | list[Any]:
    """Gives the flat, row-major JSON values of a tensor.

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


def _integers(data: list[Any], datatype: Datatype) -> Array:
    return _objects(data, int, "whole numbers").astype(datatype.storage)


def _booleans(data: list[Any], datatype: Datatype) -> Array:
    return _objects(data, bool, "true or false").astype(datatype.storage)


def _strings(data: list[Any], _datatype: Datatype) -> Array:
    return _objects(data, str, "strings")


def _objects(data: list[Any], wanted: type, called: str) -> Array:
    # As objects first: one dtype for all would turn 1.5 and true into 1, and pad strings to the longest.
    values = np.array(data, dtype=object)
    flat = values.reshape(-1).tolist()
    if any(found is not wanted for found in set(map(type, flat))):
        other = next(value for value in flat if type(value) is not wanted)
        raise TypeError(f"only {called}, got {dump(other)[:_SHOWN].decode(errors='replace')}")
    return values


_READERS: dict[Kind, Callable[[list[Any], Datatype], Array]] = {
    "float": _floats,
    "int": _integers,
    "bool": _booleans,
    "bytes": _strings,
}
