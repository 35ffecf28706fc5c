"""BF16 as floats: the upper half of an FP32."""

from __future__ import annotations

import numpy as np

from triptych.tensors.tensor import Array


def to_bits(values: Array) -> Array:
    """Rounds FP32 values to the nearest BF16, ties to even, and gives their 16 bits."""
    bits = np.ascontiguousarray(values, dtype="<f4").view("<u4").astype("<u8")
    rounded: Array = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(values), 0x7FC0, rounded).astype("<u2")


def from_bits(bits: Array) -> Array:
    """Gives the values of BF16 bits as FP32."""
    return (bits.astype("<u4") << 16).view("<f4")
