"""Converts outputs of a model to columns of rows, and columns to what each format writes.

A format writes Arrow arrays where a column can be one. JSON also writes lists of JSON values as they are;
CSV and Parquet write such values as JSON text.
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
from triptych.protocol.json_document import dump
from triptych.protocol.tensors import Array, Tensor, TensorSpec
from triptych.rows.arrow import values_of
from triptych.rows.formats import Format
from triptych.rows.schema import entry_names
from triptych.rows.table import Column
from triptych.rows.values import INFINITIES, from_bits

_SPELLINGS = {value: text for text, value in INFINITIES.items()}


def output_columns(
    spec: TensorSpec, tensor: Tensor, labels: Sequence[str], form: Format
) -> dict[str, Column]:
    """Converts an output to columns.

    Args:
        spec: The output.
        tensor: Its values, of shape `[rows, ...]`.
        labels: Names of the entries of the last axis; may be empty.
        form: Format that the columns are for: CSV has a column per entry, the others one with lists.

    Returns:
        Columns by name. An output without entries is, in CSV, a column of empty cells.

    Raises:
        BadRows: An element of an output of JSON documents is none.
    """
    name, values = spec.name, _widened(tensor)
    size = math.prod(values.shape[1:])
    if spec.json and form.is_json:
        return {name: _documents(name, values)}
    if values.shape[1:] in ((), (1,)) or (form is Format.CSV and size == 1):
        return {name: _column(values.reshape(-1), form)}
    if form is not Format.CSV:
        return {name: _column(values, form)}
    if size == 0:
        return {name: ArrowArray([None] * len(values), DataType.utf8())}
    flat = values.reshape(len(values), size)
    names = entry_names(name, size, labels if values.ndim == 2 else ())
    return {column: arrow_of(np.ascontiguousarray(flat[:, index])) for index, column in enumerate(names)}


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
    shape = values.shape[:1] if values.shape[1:] == (1,) else values.shape
    nested: list[Any] = documents.reshape(shape).tolist()
    return nested


def _column(values: Array, form: Format) -> Column:
    if form.is_json and values.dtype.kind == "f" and np.isinf(values).any():
        return _spelt(values)
    return arrow_of(values)


def _spelt(values: Array) -> list[Any]:
    cells = orjson.loads(dump(np.ascontiguousarray(values).reshape(-1)))  # the shortest decimals, NaN as null
    for position in np.flatnonzero(np.isinf(values)):
        cells[position] = _SPELLINGS[float(values.flat[position])]
    objects = np.empty(len(cells), dtype=object)
    objects[:] = cells
    nested: list[Any] = objects.reshape(values.shape).tolist()
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


_KINDS: dict[type, DataType] = {
    bool: DataType.bool(),
    int: DataType.int64(),
    float: DataType.float64(),
    str: DataType.utf8(),
}
_LIMIT = 2**63


def json_column(column: Column) -> Column:
    """Returns an Arrow array where all JSON values are of one type; else the column as it is."""
    return (_uniform(column) or column) if isinstance(column, list) else column


def parquet_column(column: Column) -> ArrowArray:
    """Returns an Arrow array; JSON values of several types become JSON text.

    Raises:
        BadRequest: A value has no JSON text.
    """
    return (
        (_uniform(column) or ArrowArray(json_texts(column), DataType.utf8()))
        if isinstance(column, list)
        else column
    )


def csv_column(column: Column) -> ArrowArray:
    """Returns an Arrow array without lists or structures: those become JSON text.

    Raises:
        BadRequest: A value has no JSON text.
    """
    if not isinstance(column, list) and DataType.is_nested(column.type):
        return ArrowArray(json_texts(values_of(column)), DataType.utf8())
    return parquet_column(column)


def kinds_of(values: Sequence[Any]) -> frozenset[type]:
    """Returns the types of the values but for missing ones; `object` is any that Arrow has no type for."""
    kinds = set(map(type, values)) - {type(None)}
    if int in kinds and any(not -_LIMIT <= value < _LIMIT for value in values if type(value) is int):
        kinds.add(object)
    return frozenset(kind if kind in _KINDS else object for kind in kinds)


def column_of_kinds(values: list[Any], kinds: frozenset[type], form: Format) -> Column:
    """Returns a part of a column as the whole column is written.

    Args:
        values: JSON values of some rows.
        kinds: What `kinds_of` returns for all rows.
        form: Format that the column is for.

    Raises:
        BadRequest: A value has no JSON text, and the format needs one.
    """
    array = _typed(values, kinds)
    if array is not None:
        return array
    return values if form.is_json else ArrowArray(json_texts(values), DataType.utf8())


def _uniform(values: Sequence[Any]) -> ArrowArray | None:
    return _typed(values, kinds_of(values))


def _typed(values: Sequence[Any], kinds: frozenset[type]) -> ArrowArray | None:
    kind = next(iter(kinds), str)
    return ArrowArray(values, _KINDS[kind]) if len(kinds) <= 1 and kind in _KINDS else None


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
