"""Outputs beside their references."""

from __future__ import annotations

import ml_dtypes
import numpy as np
from triptych.protocol.tensors import Array

from tests.conformance.deviations import ROUNDED, UNEQUAL
from tests.conformance.operator_cases import OperatorCase


def difference(case: OperatorCase, expected: dict[str, Array], actual: dict[str, Array]) -> str | None:
    """Returns how outputs differ from the references, None when they do as they should.

    Args:
        case: The case, which allows a tolerance.
        expected: The reference outputs.
        actual: The outputs.
    """
    if _outline(expected) != _outline(actual):
        return f"expected {_outline(expected)}, got {_outline(actual)}"
    unequal = [name for name, values in expected.items() if not _same(case, values, actual[name])]
    if case.name in UNEQUAL:
        return None if unequal else "equals the reference: it is no deviation any more"
    return "\n".join(f"{name}: expected {expected[name]}, got {actual[name]}" for name in unequal) or None


def _outline(tensors: dict[str, Array]) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(name, str(values.dtype), values.shape) for name, values in tensors.items()]


def _same(case: OperatorCase, expected: Array, actual: Array) -> bool:
    if expected.dtype.kind in "biuO":
        return np.array_equal(expected, actual)
    # One rounding step of a 16-bit float can be more than the case allows.
    rtol = max(case.rtol, 2 * float(ml_dtypes.finfo(expected.dtype).eps))  # type: ignore[no-untyped-call]
    atol = ROUNDED.get(case.name, case.atol)
    return np.allclose(
        actual.astype(np.float64), expected.astype(np.float64), rtol=rtol, atol=atol, equal_nan=True
    )
