"""Arrays as the JSON that the protocol has for them, written without the code under test."""

from __future__ import annotations

from typing import Any

import numpy as np
from triptych.protocol.tensors import Array


def flat_json(values: Array) -> list[Any]:
    """Returns values row by row: NaN as null, the infinities by name."""
    return [_json_value(value) for value in values.reshape(-1).tolist()]


def nested_json(values: Array) -> list[Any]:
    """Returns values nested as their shape says; a scalar has no nesting, but needs an array around it."""
    if values.ndim == 0:
        return flat_json(values)
    cells = np.empty(values.size, dtype=object)
    cells[:] = flat_json(values)
    nested: list[Any] = cells.reshape(values.shape).tolist()
    return nested


def _json_value(value: object) -> object:
    if not isinstance(value, float) or np.isfinite(value):
        return value
    if np.isnan(value):
        return None
    return "Infinity" if value > 0 else "-Infinity"
