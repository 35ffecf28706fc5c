"""Helpers around arro3: its failures as errors for the caller, one batch of many, plain kinds of arrays."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from arro3.core import Array, DataType, RecordBatch, Schema, Table, list_flatten, list_offsets

from triptych.errors import BadRequest, TriptychError

ARROW_PREFIX = "C Data interface error: "
"""arro3 puts this before the reason of a failure while reading."""

MAX_DEPTH = 32
"""Depth to which nested lists are read; NumPy has at most 64 dimensions."""

_LISTS = DataType.is_list, DataType.is_large_list, DataType.is_fixed_size_list
_BYTES = DataType.is_binary, DataType.is_large_binary, DataType.is_binary_view
_TEXTS = *_BYTES, DataType.is_large_string, DataType.is_string_view


@contextmanager
def arrow_failures(what: str) -> Generator[None]:
    """Turns whatever arro3 raises over data into an error for the caller.

    arro3 raises plain `Exception`, and, where its Rust code panics, an exception that derives from
    `BaseException` and cannot be imported: it is known by its name alone.

    Raises:
        BadRequest: arro3 refused; the message begins with `what` cannot be done.
    """
    try:
        yield
    except (TriptychError, MemoryError):
        raise
    except Exception as error:
        raise BadRequest(f"{what}: {_reason(error)}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise BadRequest(f"{what}: {_reason(error)}") from error


def no_rows(schema: Schema) -> RecordBatch:
    """Returns a batch of these columns without rows."""
    return schema.empty_table().combine_chunks().to_batches()[0]


def columns_of(reader: Iterable[RecordBatch]) -> tuple[list[Array], int]:
    """Reads all batches as one.

    Returns:
        The columns, each in one piece, and how many rows they have. Without rows there are no columns.
    """
    batches = list(reader)
    if len(batches) > 1:
        batches = Table.from_batches(batches).combine_chunks().to_batches()
    if not batches:
        return [], 0
    return batches[0].columns, batches[0].num_rows


def values_of(array: Array) -> list[Any]:
    """Returns the cells as Python values, None where one is missing."""
    return cast("list[Any]", array.to_pylist())  # typed as an array by arro3


def plain(array: Array, column: str) -> Array:
    """Unpacks dictionaries, and converts every kind of string to UTF-8 text and decimals to floats.

    Raises:
        BadRequest: A binary cell is not UTF-8.
    """
    kind = array.type
    if DataType.is_dictionary(kind) and kind.value_type is not None:
        return plain(array.cast(kind.value_type), column)
    if DataType.is_decimal(kind):
        return array.cast(DataType.float64())
    if not any(is_text(kind) for is_text in _TEXTS):
        return array
    text = array.cast(DataType.utf8())
    if text.null_count > array.null_count:
        raise BadRequest(f"column {column!r}: a cell is not UTF-8 text")
    return text


def is_list(array: Array) -> bool:
    """Returns whether the cells are lists."""
    return any(is_kind(array.type) for is_kind in _LISTS)


def leaves(array: Array) -> int:
    """Counts the values in the innermost lists."""
    for _ in range(MAX_DEPTH):
        if not is_list(array):
            break
        array = list_flatten(array)
    return len(array)


def dense(array: Array) -> npt.NDArray[Any] | None:
    """Returns numbers in lists, nested to any depth, as one array without a Python object for each.

    Returns:
        Array of shape `[rows, ...]`; None when the lists are of unequal length, or hold something else.
    """
    shape = [len(array)]
    while is_list(array) and len(shape) < MAX_DEPTH:
        width = _width(array)
        if array.null_count or width is None:
            return None
        shape.append(width)
        array = list_flatten(array)
    if array.null_count or not DataType.is_numeric(array.type):
        return None
    return array.to_numpy().reshape(shape)


def _width(array: Array) -> int | None:
    if array.type.list_size is not None:
        return array.type.list_size
    widths = np.diff(list_offsets(array).to_numpy())
    return int(widths[0]) if len(widths) and (widths == widths[0]).all() else None


def _reason(error: BaseException) -> str:
    return str(error).removeprefix(ARROW_PREFIX)[:300]
