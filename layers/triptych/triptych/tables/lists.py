"""Arrow arrays of lists as NumPy arrays of more dimensions."""

from __future__ import annotations

import numpy as np
from arro3.core import Array as ArrowArray
from arro3.core import DataType, list_flatten, list_offsets

from triptych.tensors.tensor import Array

MAX_DEPTH = 32
"""Lists in lists that are looked into; NumPy has at most 64 dimensions."""


def is_list(array: ArrowArray) -> bool:
    """Tells whether the cells are lists."""
    kinds = (DataType.is_list, DataType.is_large_list, DataType.is_fixed_size_list)
    return any(is_kind(array.type) for is_kind in kinds)


def leaves(array: ArrowArray) -> int:
    """Counts the values in the innermost lists."""
    for _ in range(MAX_DEPTH):
        if not is_list(array):
            break
        array = list_flatten(array)
    return len(array)


def dense(array: ArrowArray) -> Array | None:
    """Gives numbers in lists as one array, without a Python object for each.

    Args:
        array: Lists, nested to any depth.

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


def _width(array: ArrowArray) -> int | None:
    if array.type.list_size is not None:
        return array.type.list_size
    widths = np.diff(list_offsets(array).to_numpy())
    return int(widths[0]) if len(widths) and (widths == widths[0]).all() else None
