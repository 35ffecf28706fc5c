"""Outputs of a model to columns of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from arro3.core import Array as ArrowArray
from arro3.core import DataType, list_array

from triptych.protocol.datatypes import BF16, FP16
from triptych.protocol.json_body import dump
from triptych.tables import bfloat16
from triptych.tables.formats import Format
from triptych.tables.schema import entry_names
from triptych.tables.table import Column
from triptych.tables.values import INFINITIES
from triptych.tensors.signature import FREE, TensorSpec
from triptych.tensors.tensor import Array, Tensor, empty_array

_SPELLINGS = {value: text for text, value in INFINITIES.items()}


def output_columns(name: str, tensor: Tensor, labels: Sequence[str], form: Format) -> dict[str, Column]:
    """Makes the columns that hold an output.

    Args:
        name: Name of the output.
        tensor: Its values, of shape `[rows, ...]`.
        labels: Names of the entries of the last axis; may be empty.
        form: Format that the columns are for: CSV has a column per entry, the others one with lists.

    Returns:
        Columns by name. An output without entries is, in CSV, a column of empty cells.
    """
    values = _widened(tensor)
    size = math.prod(values.shape[1:])
    if values.shape[1:] in ((), (1,)) or (form is Format.CSV and size == 1):
        return {name: _column(values.reshape(-1), form)}
    if form is not Format.CSV:
        return {name: _column(values, form)}
    if size == 0:
        return {name: ArrowArray([None] * len(values), DataType.utf8())}
    flat = values.reshape(len(values), size)
    names = entry_names(name, size, labels if values.ndim == 2 else ())
    return {column: arrow_of(np.ascontiguousarray(flat[:, index])) for index, column in enumerate(names)}


def empty_output(spec: TensorSpec, labels: Sequence[str]) -> Tensor:
    """Makes the output that a model would give for no rows, as far as its signature tells."""
    inner = [0 if size == FREE else size for size in (spec.shape or (0,))[1:]]
    if len(inner) == 1 and labels:
        inner = [len(labels)]
    return Tensor(spec.datatype, empty_array(spec.datatype, (0, *inner)))


def _widened(tensor: Tensor) -> Array:
    if tensor.datatype is BF16:
        return bfloat16.from_bits(tensor.values)
    return tensor.values.astype("<f4") if tensor.datatype is FP16 else tensor.values


def _column(values: Array, form: Format) -> Column:
    as_json = form in (Format.JSON, Format.JSON_LINES)
    if as_json and values.dtype.kind == "f" and np.isinf(values).any():
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
    """Makes a column of an array of shape `[rows, ...]`: lists where it has more dimensions."""
    flat = np.ascontiguousarray(values).reshape(-1)
    strings = values.dtype.kind == "O"
    array = ArrowArray(flat.tolist(), DataType.utf8()) if strings else ArrowArray.from_numpy(flat)
    for axis in range(values.ndim - 1, 0, -1):
        lists = math.prod(values.shape[:axis])
        offsets = np.arange(lists + 1, dtype="<i4") * np.int32(values.shape[axis])
        array = list_array(ArrowArray.from_numpy(offsets), array)
    return array
