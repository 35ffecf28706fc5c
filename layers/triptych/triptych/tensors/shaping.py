"""Giving flat values their shape."""

from __future__ import annotations

import math

from triptych.errors import BadRequest
from triptych.tensors.tensor import Array


def shaped(values: Array, shape: tuple[int, ...], where: str) -> Array:
    """Gives values a shape that they fill exactly.

    Raises:
        BadRequest: There are more or fewer of them, or no array can have this shape.
    """
    if values.shape == shape:
        return values
    if values.size != math.prod(shape):
        raise BadRequest(f"{where}: shape {list(shape)} takes {math.prod(shape)} values, got {values.size}")
    try:
        return values.reshape(shape)
    except ValueError as error:
        raise BadRequest(f"{where}: shape {list(shape)} is not possible: {error}") from None
