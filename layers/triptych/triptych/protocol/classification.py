"""The classification extension: the best classes of an output instead of its values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triptych.errors import BadRequest
from triptych.protocol.datatypes import BF16, BYTES
from triptych.protocol.tensors import Array, Tensor


def classify(tensor: Tensor, classes: int, labels: Sequence[str], where: str) -> Tensor:
    """Gives the best classes along the last axis.

    Args:
        tensor: Scores of shape `[..., n]`.
        classes: How many classes are wanted; fewer come when there are fewer.
        labels: Names of the classes in order; may be empty.
        where: The output, for messages.

    Returns:
        A BYTES tensor of shape `[..., classes]`, each element `"score:index"` or
        `"score:index:label"`, best first; of equal scores the lower index first.

    Raises:
        BadRequest: The output holds no scores.
    """
    if tensor.datatype is BYTES or not tensor.shape:
        raise BadRequest(f"{where}: classification needs numbers with at least one axis")
    scores = _comparable(tensor)
    best = np.argsort(-scores, axis=-1, kind="stable")[..., :classes]
    values = np.empty(best.shape, dtype=object)
    for position in np.ndindex(best.shape):
        index = int(best[position])
        values[position] = _entry(scores[*position[:-1], index], index, labels)
    return Tensor(BYTES, values)


def _comparable(tensor: Tensor) -> Array:
    if tensor.datatype is BF16:
        return (tensor.values.astype("<u4") << 16).view("<f4")
    return tensor.values.astype("<f8") if tensor.datatype.kind != "int" else tensor.values.astype(object)


def _entry(score: float | np.floating, index: int, labels: Sequence[str]) -> str:
    shown = str(score) if isinstance(score, int) else f"{score:f}"
    return f"{shown}:{index}:{labels[index]}" if index < len(labels) else f"{shown}:{index}"
