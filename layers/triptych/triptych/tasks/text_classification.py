"""Text classification: texts, or pairs of texts, to labels and scores; and ranking, with a single score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import override

import numpy as np
import orjson

from triptych.clock import Deadline
from triptych.errors import ModelUnavailable
from triptych.models.config import TaskConfig
from triptych.models.model import ModelSession
from triptych.protocol.datatypes import BYTES
from triptych.protocol.tensors import FREE, Array, Signature, TensorSpec
from triptych.tasks.classes import class_labels, class_outputs, classified, identity, sigmoid, softmax
from triptych.tasks.export import Export
from triptych.tasks.session import SCORE, TEXT, TaskSession
from triptych.tasks.texts import Text, TextModel, in_order, paired

_TRUE_LABELS = TensorSpec("labels", BYTES, (FREE,), json=True)
_THRESHOLD = 0.5


class TextClassification(TaskSession):
    """Labels for texts, or for pairs of texts.

    Args:
        model: Gives `logits` of shape `[texts, classes]`.
        export: The files beside it.
        config: What `[task]` says.

    """

    def __init__(self, model: ModelSession, export: Export, config: TaskConfig) -> None:
        self._logits = logits_of(model)
        self._labels = class_labels(export, config, self._logits)
        self._activation = _activation(export, config, len(self._labels))
        self._several = self._activation is sigmoid and len(self._labels) > 1
        self._threshold = _THRESHOLD if config.threshold is None else config.threshold
        inputs = (TEXT, TensorSpec("text_pair", BYTES, (FREE,), optional=True))
        outputs = (*class_outputs(self._labels), *([_TRUE_LABELS] if self._several else []))
        super().__init__(model, Signature(inputs, outputs, "text-classification"))
        self._texts = TextModel(model, export, config)

    @override
    def answers(self, inputs: Mapping[str, Array], deadline: Deadline) -> dict[str, Array]:
        pairs = inputs.get("text_pair")
        texts = list(inputs["text"]) if pairs is None else paired(inputs["text"], pairs)
        logits = text_logits(self._texts, texts, self._logits, len(self._labels), deadline)
        results = classified(self._activation(logits), self._labels)
        if self._several:
            results["labels"] = self._true_labels(results["scores"])
        return results

    def _true_labels(self, scores: Array) -> Array:
        """Returns the labels from the threshold on, in the order of the model, as JSON."""
        true = [list(compress(self._labels, row)) for row in scores >= self._threshold]
        return np.array([orjson.dumps(labels).decode() for labels in true], dtype=object)


class TextRanking(TaskSession):
    """How well texts answer queries: a model of one class that reads both, a cross-encoder.

    Args:
        model: Gives `logits` of shape `[texts, 1]`.
        export: The files beside it.
        config: What `[task]` says.

    """

    def __init__(self, model: ModelSession, export: Export, config: TaskConfig) -> None:
        inputs = (TensorSpec("query", BYTES, (FREE,)), TEXT)
        super().__init__(model, Signature(inputs, (SCORE,), "text-ranking"))
        self._logits = logits_of(model)
        self._texts = TextModel(model, export, config)
        self._activation = _ranking_activation(export)

    @override
    def answers(self, inputs: Mapping[str, Array], deadline: Deadline) -> dict[str, Array]:
        pairs = list(zip(inputs["query"], inputs["text"], strict=True))
        logits = text_logits(self._texts, pairs, self._logits, 1, deadline)
        return {"score": self._activation(logits[:, 0])}


def logits_of(model: ModelSession) -> TensorSpec:
    """Returns the output with the logits: that of this name, else the first."""
    outputs = model.signature.outputs
    return next((spec for spec in outputs if spec.name == "logits"), outputs[0])


def text_logits(
    model: TextModel, texts: Sequence[Text], output: TensorSpec, classes: int, deadline: Deadline
) -> Array:
    """Runs a classifier on texts.

    Returns:
        FP32 of shape `[texts, classes]`.

    Raises:
        ModelUnavailable: It gives something else.
    """
    runs = [
        (run.texts, run.outputs[output.name].values.astype("<f4", copy=False))
        for run in model.run(texts, [output.name], deadline)
    ]
    logits = in_order(runs)
    if logits.shape != (len(texts), classes):
        raise ModelUnavailable(
            f"{output.name!r} has shape {list(logits.shape)}, and the task expects {classes} values for "
            f"each of {len(texts)} texts; [task] labels in model.toml names the classes"
        )
    return logits


def _activation(export: Export, config: TaskConfig, classes: int) -> Callable[[Array], Array]:
    """Returns what makes scores of logits, as Transformers chooses it."""
    problem = export.config.get("problem_type")
    if config.multi_label is None and problem == "regression":
        return identity
    several = problem == "multi_label_classification" if config.multi_label is None else config.multi_label
    return sigmoid if several or classes == 1 else softmax


def _ranking_activation(export: Export) -> Callable[[Array], Array]:
    """Returns what makes scores of logits, as sentence-transformers chooses it."""
    own = export.config.get("sentence_transformers")
    named = own.get("activation_fn") if isinstance(own, dict) else None
    named = named or export.config.get("sbert_ce_default_activation_function") or ""
    return identity if str(named).endswith("Identity") else sigmoid
