"""Converts columns of rows to the inputs of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from typing import NamedTuple

import numpy as np
from arro3.core import Array as ArrowArray
from arro3.core import DataType

from triptych.errors import BadRequest
from triptych.protocol.names import listing
from triptych.protocol.tensors import FREE, Array, Tensor, TensorSpec, empty_array
from triptych.rows.arrow import arrow_failures, dense, leaves, plain, values_of
from triptych.rows.images import image_cells
from triptych.rows.outputs import json_texts
from triptych.rows.schema import RowSchema, inner_shape, row_size
from triptych.rows.table import RecordColumns, Table, check_cells
from triptych.rows.texts import array_of_texts
from triptych.rows.values import Cells, Target, array_of_numbers, array_of_values, matrix_of_numbers


class Inputs(NamedTuple):
    """Inputs of a model made of rows.

    Attributes:
        tensors: A tensor for every input by name, but for optional ones without a column; all have the
            table's rows as first dimension.
        filled: How many missing cells of required inputs took the value for missing cells.
    """

    tensors: Mapping[str, Tensor]
    filled: int


def model_inputs(table: Table, schema: RowSchema) -> Inputs:
    """Makes a tensor for every input of a model that there are columns for.

    Raises:
        BadRequest: A column of a required input is missing, or a cell is not what its input takes.
    """
    tensors: dict[str, Tensor] = {}
    filled = 0
    for spec in schema.inputs:
        if spec.optional and _is_absent(spec, table, schema):
            continue
        cells = _array(spec, table, schema)
        tensors[spec.name] = Tensor(spec.datatype, cells.values)
        filled += 0 if spec.optional else cells.filled
    return Inputs(tensors, filled)


def _is_absent(spec: TensorSpec, table: Table, schema: RowSchema) -> bool:
    names = (spec.name, *(schema.flat_columns(spec) or _numbered(spec, table)))
    return not any(name in table.columns for name in names)


def _array(spec: TensorSpec, table: Table, schema: RowSchema) -> Cells:
    features = _features(spec, table, schema) if table.rows or table.columns else None
    if table.rows == 0:
        inner = inner_shape(spec) or ()
        return Cells(empty_array(spec.datatype, (0, *(0 if size == FREE else size for size in inner))))
    if features is None:
        values, filled = _cells(spec.name, spec, table, schema)
        return Cells(_shaped(values, spec), filled)
    if isinstance(table.columns, RecordColumns) and len(features) > 1:
        rows = table.columns.rows(features)
        if rows is not None and (numbers := matrix_of_numbers(rows, spec.datatype)) is not None:
            return Cells(_shaped(numbers, spec))
    matrix = np.empty((table.rows, len(features)), dtype=spec.datatype.storage)
    filled = 0
    for position, name in enumerate(features):
        cells = _cells(name, spec, table, schema)
        if cells.values.ndim != 1:
            got = list(cells.values.shape[1:])
            raise BadRequest(f"column {name!r}: expected one value per row, got arrays of shape {got}")
        matrix[:, position] = cells.values
        filled += cells.filled
    return Cells(_shaped(matrix, spec), filled)


def _features(spec: TensorSpec, table: Table, schema: RowSchema) -> Sequence[str] | None:
    """Returns the columns that hold one entry each; None when one column holds the whole input."""
    if spec.name in table.columns and spec.name not in (schema.features or ()):
        return None
    expected = schema.flat_columns(spec) or _numbered(spec, table)
    absent = next((name for name in expected if name not in table.columns), None)
    if expected and absent is None:
        return expected
    # Whatever their names, the columns may be the entries of the only input in order.
    if schema.takes_any and row_size(spec) in (None, len(table.columns)):
        check_cells(len(table.columns), table.rows)
        return tuple(table.columns)
    raise BadRequest(
        f"missing column {(absent or spec.name)!r}; the rows have {listing(tuple(table.columns))}"
    )


def _numbered(spec: TensorSpec, table: Table) -> tuple[str, ...]:
    return tuple(takewhile(table.columns.__contains__, (f"{spec.name}_{index}" for index in count())))


def _cells(name: str, spec: TensorSpec, table: Table, schema: RowSchema) -> Cells:
    column = table.columns[name]
    if spec.image or spec.json:
        values = column if isinstance(column, list) else values_of(column)
        if spec.image:
            return image_cells(values, name)
        column = json_texts(values)
    target = Target(name, spec.datatype, schema.missing.get(name, schema.missing.get(spec.name)))
    return array_of_values(column, target) if isinstance(column, list) else _arrow_cells(column, target)


def _arrow_cells(column: ArrowArray, target: Target) -> Cells:
    if DataType.is_string(column.type):
        return array_of_texts(column, target)
    with arrow_failures(f"column {target.column!r} cannot be read"):
        array = plain(column, target.column)
    if DataType.is_string(array.type):
        return array_of_texts(array, target)
    if DataType.is_numeric(array.type) and not array.null_count:
        return array_of_numbers(array.to_numpy(), target)
    with arrow_failures(f"column {target.column!r} cannot be read"):
        numbers = dense(array)
        if numbers is not None:
            return array_of_numbers(numbers, target)
        check_cells(1, leaves(array))
        values = values_of(array)
    return array_of_values(values, target)


def _shaped(values: Array, spec: TensorSpec) -> Array:
    """Reshapes flat rows to the shape of the input; what does not fit is left to the check of the inputs."""
    inner = inner_shape(spec)
    if inner is None or values.ndim > 2 or inner.count(FREE) > 1:
        return values
    try:
        return values.reshape(len(values), *inner)
    except ValueError:
        return values
