"""A tensor: an array with the datatype that the protocol gives it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from triptych.protocol.datatypes import Datatype

Array = NDArray[Any]


class Tensor(NamedTuple):
    """An array and its datatype.

    Attributes:
        datatype: Datatype in the protocol.
        values: Array of `datatype.storage`: strings for BYTES, the 16 bits as integers for BF16.
    """

    datatype: Datatype
    values: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Dimensions, outermost first."""
        return self.values.shape


def empty_array(datatype: Datatype, shape: tuple[int, ...]) -> Array:
    """Makes an array for a shape that holds no elements."""
    return np.empty(shape, dtype=datatype.storage)
