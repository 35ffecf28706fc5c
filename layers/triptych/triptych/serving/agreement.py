"""Whether results are the same, up to what rounding changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triptych.protocol.datatypes import BF16, FP16, FP32, FP64, Datatype
from triptych.tables import bfloat16
from triptych.tensors.tensor import Array, Tensor

TOLERANCE: dict[Datatype, float] = {FP64: 1e-4, FP32: 1e-4, FP16: 1e-2, BF16: 5e-2}
"""How far two numbers may lie apart, as a share of the largest magnitude in their column.

A product of matrices adds up in another order when it has more rows. FP32 rounds at 6e-8 of a number;
thousands of additions in several layers make 1e-6 to 1e-5 of that. FP64 is often FP32 that was cast at the
end. FP16 and BF16 round at 5e-4 and 4e-3. A column is measured by its largest number because a number near
zero is often the difference of large ones, and because columns are of different units. Rows that interact,
also those of a model that is quantized while it runs, differ by far more."""


def agree(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Tells whether two runs gave the same for each of some requests.

    Args:
        some: An output for each request, of shape `[rows, ...]` and one datatype.
        others: The same output for each request, from elsewhere.

    Returns:
        Whether shapes are equal, floats lie within `TOLERANCE` (NaN beside NaN), and all else is equal.
    """
    if [tensor.shape for tensor in some] != [tensor.shape for tensor in others]:
        return False
    return all(_close(one, other) for one, other in _columns(some, others))


def _columns(some: Sequence[Tensor], others: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    if len({tensor.shape[1:] for tensor in some}) > 1:  # each has columns of its own
        return list(zip(some, others, strict=True))
    return [(_stacked(some), _stacked(others))]


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    return Tensor(tensors[0].datatype, np.concatenate([tensor.values for tensor in tensors]))


def _close(one: Tensor, other: Tensor) -> bool:
    tolerance = TOLERANCE.get(one.datatype)
    if tolerance is None:
        return bool(np.array_equal(one.values, other.values))
    expected, actual = _widened(one), _widened(other)
    largest = np.max(np.abs(expected), axis=0, where=np.isfinite(expected), initial=0)
    return bool(np.isclose(actual, expected, rtol=0, atol=tolerance * largest, equal_nan=True).all())


def _widened(tensor: Tensor) -> Array:
    values = bfloat16.from_bits(tensor.values) if tensor.datatype is BF16 else tensor.values
    return values.astype("<f8")
