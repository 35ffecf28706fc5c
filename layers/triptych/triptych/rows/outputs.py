"""Converts outputs of a model to columns of rows, and columns to the Arrow arrays that CSV and Parquet write.

Formats other than JSON write values of several JSON types as JSON text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from arro3.core import Array as ArrowArray
from arro3.core import DataType, list_array

from triptych.errors import BadRequest, BadRows
from triptych.protocol.datatypes import BF16, FP16
from triptych.protocol.tensors import Array, Tensor, TensorSpec, from_bits
from triptych.rows.arrow import values_of
from triptych.rows.formats import Format
from triptych.rows.schema import entry_names
from triptych.rows.table import AnswerColumn


def output_columns(
    spec: TensorSpec, tensor: Tensor, labels: Sequence[str], form: Format
) -> dict[str, AnswerColumn]:
    """Converts an output, of shape `[rows, ...]`, to columns by name.

    CSV has a column per entry, named by the labels of the last axis if there are any; the others one with
    lists. An output without entries is, in CSV, a column of empty cells.

    Raises:
        BadRows: An element of an output of JSON documents is none.
    """
    name, values = spec.name, _widened(tensor)
    size = math.prod(values.shape[1:])
    if values.shape[1:] == (1,) or (form is Format.CSV and size == 1):
        values = values.reshape(-1)
    if spec.json and form.is_json:
        return {name: _documents(name, values)}
    if form is not Format.CSV or values.ndim == 1:
        return {name: values}
    if size == 0:
        return {name: [None] * len(values)}
    flat = values.reshape(len(values), size)
    names = entry_names(name, size, labels if values.ndim == 2 else ())
    return {column: flat[:, index] for index, column in enumerate(names)}


def _widened(tensor: Tensor) -> Array:
    if tensor.datatype is BF16:
        return from_bits(tensor.values)
    return tensor.values.astype("<f4") if tensor.datatype is FP16 else tensor.values


def _documents(name: str, values: Array) -> list[Any]:
    """Parses an output of JSON documents: what is no document would make none of the whole answer."""
    documents = np.empty(values.size, dtype=object)
    for position, text in enumerate(values.reshape(-1).tolist()):
        try:
            documents[position] = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            row = position // math.prod(values.shape[1:]) + 1
            raise BadRows({row: f"output {name!r} is not JSON, as the model says: {error}"}) from None
    nested: list[Any] = documents.reshape(values.shape).tolist()
    return nested


def arrow_of(values: Array) -> ArrowArray:
    """Converts an array of shape `[rows, ...]` to a column: lists where it has more dimensions."""
    flat = np.ascontiguousarray(values).reshape(-1)
    strings = values.dtype.kind == "O"
    array = ArrowArray(flat.tolist(), DataType.utf8()) if strings else ArrowArray.from_numpy(flat)
    for axis in range(values.ndim - 1, 0, -1):
        lists = math.prod(values.shape[:axis])
        offsets = np.arange(lists + 1, dtype="<i4") * np.int32(values.shape[axis])
        array = list_array(ArrowArray.from_numpy(offsets), array)
    return array


def parquet_column(column: AnswerColumn) -> ArrowArray:
    """Returns an Arrow array; JSON values of several types become JSON text.

    Raises:
        BadRequest: A value has no JSON text.
    """
    if isinstance(column, np.ndarray):
        return arrow_of(column)
    return typed_column(column, kinds_of(column)) if isinstance(column, list) else column


def csv_column(column: AnswerColumn) -> ArrowArray:
    """Returns an Arrow array without lists or structures: those become JSON text.

    Raises:
        BadRequest: A value has no JSON text.
    """
    array = parquet_column(column)
    if DataType.is_nested(array.type):
        return ArrowArray(json_texts(values_of(array)), DataType.utf8())
    return array


_TYPES: dict[type, DataType] = {
    bool: DataType.bool(),
    int: DataType.int64(),
    float: DataType.float64(),
    str: DataType.utf8(),
}
_LIMIT = 2**63


def kinds_of(values: Sequence[Any]) -> frozenset[type]:
    """Returns the types of the values but for missing ones; `object` is any that Arrow has no type for."""
    kinds = set(map(type, values)) - {type(None)}
    if int in kinds and any(not -_LIMIT <= value < _LIMIT for value in values if type(value) is int):
        kinds.add(object)
    return frozenset(kind if kind in _TYPES else object for kind in kinds)


def typed_column(values: Sequence[Any], kinds: frozenset[type]) -> ArrowArray:
    """Returns a part of a column as the whole column is written, whose kinds are those of all rows.

    Raises:
        BadRequest: A value has no JSON text.
    """
    kind = next(iter(kinds), str)
    if len(kinds) <= 1 and kind in _TYPES:
        return ArrowArray(values, _TYPES[kind])
    return ArrowArray(json_texts(values), DataType.utf8())


def json_texts(values: Sequence[Any]) -> list[str | None]:
    """Returns values as text: strings and missing ones as they are, others as JSON.

    Raises:
        BadRequest: A value has no JSON text.
    """
    try:
        return [
            value if value is None or isinstance(value, str) else orjson.dumps(value, default=str).decode()
            for value in values
        ]
    except orjson.JSONEncodeError as error:
        raise BadRequest(f"a cell cannot be written as text: {error}") from None
