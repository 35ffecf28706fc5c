"""Classes: their names, and the outputs of tasks that tell them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triptych.errors import ModelUnavailable
from triptych.models.config import TaskConfig
from triptych.protocol.datatypes import BYTES, FP32
from triptych.protocol.tensors import FREE, Array, TensorSpec
from triptych.tasks.export import Export

_DEFAULT_CLASSES = 2
"""Transformers leaves `id2label` out of `config.json` where a model has two classes without names."""


def class_labels(export: Export, config: TaskConfig, logits: TensorSpec) -> tuple[str, ...]:
    """Returns the names of classes in the order of the model.

    Args:
        export: The files beside the model.
        config: What `[task]` says.
        logits: The output that has one entry for each class.

    Raises:
        ModelUnavailable: There is another number of names than of classes.
    """
    width = (logits.shape or (FREE,))[-1]
    labels = config.labels or export.labels
    if not labels:
        return tuple(f"LABEL_{index}" for index in range(_DEFAULT_CLASSES if width == FREE else width))
    if width not in (FREE, len(labels)):
        source = "[task] labels" if config.labels else "id2label of config.json"
        raise ModelUnavailable(f"{source} names {len(labels)} classes, and {logits.name!r} has {width}")
    return labels


def class_outputs(labels: tuple[str, ...]) -> tuple[TensorSpec, ...]:
    """Returns the outputs of a task that tells a class."""
    return (
        TensorSpec("label", BYTES, (FREE,)),
        TensorSpec("score", FP32, (FREE,)),
        TensorSpec("scores", FP32, (FREE, len(labels)), labels),
    )


def classified(scores: Array, labels: Sequence[str]) -> dict[str, Array]:
    """Returns the best class of each row, its score, and all scores.

    Args:
        scores: FP32 of shape `[rows, classes]`.
        labels: Names of the classes.
    """
    best = scores.argmax(axis=1)
    names = np.array(labels, dtype=object)
    return {"label": names[best], "score": scores[np.arange(len(scores)), best], "scores": scores}


def softmax(logits: Array) -> Array:
    """Returns probabilities that add up to 1 along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def sigmoid(logits: Array) -> Array:
    """Returns a probability for each value by itself."""
    return 1 / (1 + np.exp(-logits))


def identity(logits: Array) -> Array:
    """Returns values as they are."""
    return logits
