"""Converts cells that are values already, as those of JSON and Parquet, to arrays of a datatype.

Lists become further dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from triptych.errors import BadRequest, BadRows, RowError
from triptych.protocol.datatypes import BF16, FP32, Datatype, Kind
from triptych.protocol.json_document import Scalar
from triptych.protocol.tensors import Array, to_bits
from triptych.rows.arrow import MAX_DEPTH

INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}
"""Infinities of JSON, which has none: these strings, as in the tensors of the protocol."""

_ACCEPTED: dict[Kind, frozenset[type]] = {
    "float": frozenset({float, int}),
    "int": frozenset({int}),
    "bool": frozenset({bool}),
    "bytes": frozenset({str}),
}
_EXPECTED: dict[Kind, str] = {
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "bytes": "text",
}
_ABSENT: dict[Kind, Scalar] = {"float": math.nan, "bytes": ""}


class Target(NamedTuple):
    """What the cells of a column are converted to.

    Where no value replaces missing cells, the default of the datatype does: NaN or "".
    """

    column: str
    datatype: Datatype
    missing: Scalar | None = None


class Cells(NamedTuple):
    """Cells of a column, converted.

    Attributes:
        values: Array of the datatype's storage, of shape `[rows, ...]`.
        filled: How many of them were missing and took the value for missing cells.
    """

    values: Array
    filled: int = 0


def array_of_values(values: Sequence[Any], target: Target) -> Cells:
    """Converts Python values, one per row, which may be lists nested to any shape; None is a missing cell.

    Raises:
        BadRequest: A cell is not of the datatype, or missing where nothing replaces it.
    """
    flat, filled = values, 0
    inner: tuple[int, ...] = ()
    if not _ACCEPTED[target.datatype.kind].issuperset(map(type, values)):
        found, inner = _flatten(values, target.column)
        filled = found.count(None)
        flat = _accepted(found, len(values), target)
    try:
        array = _array(flat, target.datatype)
    except (OverflowError, FloatingPointError):
        position = _first_too_large(flat, target.datatype)
        raise _unreadable_at(flat, position, len(values), target) from None
    return Cells(array.reshape(len(values), *inner), filled)


def matrix_of_numbers(rows: Sequence[tuple[Any, ...]], datatype: Datatype) -> Array | None:
    """Converts rows of floats, two or more in each, at once; None where one has to be looked at by itself."""
    kinds = set(map(type, chain.from_iterable(rows)))
    if datatype.kind != "float" or not kinds <= _ACCEPTED["float"]:
        return None
    try:
        return _array(rows, datatype)
    except (OverflowError, FloatingPointError):
        return None


def array_of_numbers(values: Array, target: Target) -> Cells:
    """Converts an array of shape `[rows, ...]` of numbers, booleans or strings, none of which is missing.

    Raises:
        BadRequest: A value is not of the datatype.
    """
    datatype = target.datatype
    if datatype.kind == "float" and values.dtype.kind in "fiu":
        try:
            return Cells(_array(values, datatype))
        except FloatingPointError:
            pass  # which value it is, is found among Python's
    elif datatype.kind == "int" and np.can_cast(values.dtype, datatype.storage):
        return Cells(values.astype(datatype.storage))
    return array_of_values(values.tolist(), target)


def stored(values: Array, datatype: Datatype) -> Array:
    """Returns floats in the storage of the datatype."""
    return to_bits(values) if datatype is BF16 else values


def _array(flat: Sequence[Any] | Array, datatype: Datatype) -> Array:
    """Makes an array of values of the right types; those that are too large are an error of NumPy."""
    if datatype.kind != "float":
        return np.array(flat, dtype=datatype.storage)
    with np.errstate(over="raise"):
        return stored(np.asarray(flat, dtype=(FP32 if datatype is BF16 else datatype).storage), datatype)


def _first_too_large(flat: Sequence[Any], datatype: Datatype) -> int:
    low, high = 0, len(flat)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            _array(flat[low:middle], datatype)
        except (OverflowError, FloatingPointError):
            high = middle
        else:
            low = middle
    return low


def _accepted(flat: list[Any], rows: int, target: Target) -> list[Any]:
    """Replaces what may stand for a value: missing cells, whole floats of integers, names of infinities."""
    kind = target.datatype.kind
    types = _ACCEPTED[kind]
    fill = _ABSENT.get(kind) if target.missing is None else target.missing
    values = list(flat)
    for position, value in enumerate(flat):
        if type(value) in types:
            continue
        found = fill if value is None else value
        if kind == "int" and isinstance(found, float) and found.is_integer():
            found = int(found)
        elif kind == "float" and isinstance(found, str):
            found = INFINITIES.get(found, found)
        values[position] = found
        if type(found) not in types:
            raise _unreadable_at(values, position, rows, target)
    return values


def _flatten(values: Sequence[Any], column: str) -> tuple[list[Any], tuple[int, ...]]:
    flat = list(values)
    inner: tuple[int, ...] = ()
    while flat and list in (kinds := set(map(type, flat))):
        if len(inner) == MAX_DEPTH:
            raise BadRequest(f"column {column!r}: arrays nested more than {MAX_DEPTH} deep are not read")
        sizes = set(map(len, flat)) if kinds == {list} else set[int]()
        if len(sizes) != 1:
            raise _ragged(flat, len(values), column)
        inner = (*inner, *sizes)
        flat = list(chain.from_iterable(flat))
    return flat, inner


def _ragged(flat: list[Any], rows: int, column: str) -> RowError:
    first = next(value for value in flat if isinstance(value, list))
    position = next(
        index for index, value in enumerate(flat) if not isinstance(value, list) or len(value) != len(first)
    )
    row = position * rows // len(flat) + 1
    got = describe(flat[position])
    return RowError(row, f"column {column!r}: expected {describe(first)} as elsewhere, got {got}", ", ")


def _unreadable_at(flat: Sequence[Any], position: int, rows: int, target: Target) -> BadRows:
    return unreadable({position * rows // len(flat) + 1: flat[position]}, target)


def unreadable(cells: Mapping[int, object], target: Target) -> BadRows:
    """Returns the error for cells, by the number of their row from 1, that are not of the datatype."""
    column = f"column {target.column!r}"
    return BadRows(
        {row: f"{column}: {_expected(value, target.datatype)}" for row, value in cells.items()}, ", "
    )


def _expected(value: object, datatype: Datatype) -> str:
    expected = _EXPECTED[datatype.kind]
    if value is None:
        hint = "or set a value for the column under [missing] in model.toml"
        return f"the cell is missing; send {expected}, {hint}"
    is_number = type(value) is int or (datatype.kind == "float" and type(value) is float)
    limits = _limits(datatype) if is_number else ""  # only its size can be wrong
    return f"expected {expected}{limits}, got {describe(value)}"


def _limits(datatype: Datatype) -> str:
    if datatype.kind == "int":
        whole = np.iinfo(datatype.storage)
        return f" from {whole.min} to {whole.max}"
    if datatype.kind == "float":
        most = float(np.finfo((FP32 if datatype is BF16 else datatype).storage).max)
        return f" from -{most:.6g} to {most:.6g}"
    return ""


def describe(value: object) -> str:
    """Describes a value shortly, for a message."""
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:40]}...")
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return "null" if value is None else f"a {type(value).__name__}"
