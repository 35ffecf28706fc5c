"""Zero-shot classification: texts and labels of any kind to scores, by a model of natural language inference.

Each label becomes a hypothesis, such as `This example is politics.`; the model tells whether the text entails
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, override

import numpy as np
import orjson

from triptych.clock import Deadline
from triptych.errors import BadRows, ModelUnavailable
from triptych.models.config import TaskConfig
from triptych.models.model import ModelSession
from triptych.protocol.datatypes import BYTES
from triptych.protocol.names import listing
from triptych.protocol.tensors import FREE, Array, Signature, TensorSpec
from triptych.tasks.classes import class_labels, sigmoid, softmax
from triptych.tasks.export import Export
from triptych.tasks.session import SCORE, TEXT, TaskSession
from triptych.tasks.text_classification import logits_of, text_logits
from triptych.tasks.texts import Text, TextModel

_HYPOTHESIS = "This example is {}."
_OUTPUTS = (
    TensorSpec("label", BYTES, (FREE,)),
    SCORE,
    TensorSpec("scores", BYTES, (FREE,), json=True),
)


class ZeroShotClassification(TaskSession):
    """Scores for labels that come with each text, or that `[task]` names.

    Args:
        model: Gives `logits` of shape `[texts, classes]`, of which one is entailment.
        export: The files beside it.
        config: What `[task]` says; its labels are the candidates, not the classes of the model.

    Raises:
        ModelUnavailable: No class of the model is entailment.
    """

    def __init__(self, model: ModelSession, export: Export, config: TaskConfig) -> None:
        self._logits = logits_of(model)
        classes = class_labels(export, TaskConfig(), self._logits)
        self._classes, self._entails = len(classes), _entailment(classes)
        self._labels = config.labels or ()
        self._hypothesis = config.hypothesis or _HYPOTHESIS
        self._multi_label = config.multi_label or False
        labels = TensorSpec("candidate_labels", BYTES, (FREE,), optional=bool(self._labels), json=True)
        super().__init__(model, Signature((TEXT, labels), _OUTPUTS, "zero-shot-classification"))
        # The hypothesis is what is asked: only the text is cut.
        self._texts = TextModel(model, export, config, "only_first")

    @override
    def answers(self, inputs: Mapping[str, Array], deadline: Deadline) -> dict[str, Array]:
        texts = inputs["text"]
        labels = self._candidates(inputs.get("candidate_labels"), len(texts))
        pairs: list[Text] = [
            (text, self._hypothesis.replace("{}", label))
            for text, of_text in zip(texts, labels, strict=True)
            for label in of_text
        ]
        logits = text_logits(self._texts, pairs, self._logits, self._classes, deadline)
        ends = np.cumsum([len(of_text) for of_text in labels])
        ranked = [self._ranked(*each) for each in zip(labels, np.split(logits, ends[:-1]), strict=True)]
        label, score = zip(*(next(iter(scores.items())) for scores in ranked), strict=True)
        return {
            "label": np.array(label, dtype=object),
            "score": np.array(score, dtype="<f4"),
            "scores": np.array(
                [orjson.dumps(scores, option=orjson.OPT_SERIALIZE_NUMPY).decode() for scores in ranked],
                dtype=object,
            ),
        }

    def _ranked(self, labels: Sequence[str], logits: Array) -> dict[str, Any]:
        """Returns the scores of the labels of one text, the best first."""
        entails = logits[:, self._entails]
        if self._multi_label or len(labels) == 1:
            contradicts = logits[:, -1 if self._entails == 0 else 0]
            scores = sigmoid(entails - contradicts)
        else:
            scores = softmax(entails)
        order = map(int, np.argsort(scores)[::-1])
        return {labels[index]: scores[index] for index in order}

    def _candidates(self, given: Array | None, rows: int) -> list[Sequence[str]]:
        """Returns the labels for each text.

        Raises:
            BadRows: Some texts have none.
        """
        found: list[Sequence[str]] = [self._labels] * rows
        if given is not None:
            found = [_labels_in(text) or self._labels for text in given]
        missing = [row for row, labels in enumerate(found, 1) if not labels]
        if missing:
            reason = "candidate_labels: expected names separated by commas, or a list of them"
            raise BadRows(dict.fromkeys(missing, reason))
        return found


def _labels_in(text: str) -> Sequence[str]:
    """Reads labels: a JSON array of strings, or names separated by commas."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = [part.strip() for part in text.split(",")]
    listed = document if isinstance(document, list) else [text.strip()]
    return list(dict.fromkeys(label for label in listed if isinstance(label, str) and label))


def _entailment(classes: Sequence[str]) -> int:
    for index, name in enumerate(classes):
        if name.lower().startswith("entail"):
            return index
    raise ModelUnavailable(
        f"no class of {listing(classes)} is entailment, as in models of natural language inference"
    )
