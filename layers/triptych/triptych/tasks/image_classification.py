"""Image classification: images to labels and scores; and feature extraction, images to embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import override

from triptych.clock import Deadline
from triptych.models.config import TaskConfig
from triptych.models.model import ModelSession
from triptych.protocol.datatypes import FP32
from triptych.protocol.tensors import FREE, Array, Signature, TensorSpec
from triptych.tasks.classes import class_labels, class_outputs, classified, identity, sigmoid, softmax
from triptych.tasks.export import Export
from triptych.tasks.images import IMAGE, ImageModel, in_order, output_named
from triptych.tasks.session import TaskSession


class ImageClassification(TaskSession):
    """Labels for images.

    Args:
        model: Gives `logits`, or one output, of shape `[images, classes]`.
        export: The files beside it.
        config: What `[task]` says.

    """

    def __init__(self, model: ModelSession, export: Export, config: TaskConfig) -> None:
        self._logits = output_named(model, "logits")
        self._labels = class_labels(export, config, self._logits)
        super().__init__(model, Signature((IMAGE,), class_outputs(self._labels), "image-classification"))
        self._images = ImageModel(model, export)
        self._activation = _activation(export, config, len(self._labels))

    @override
    def answers(self, inputs: Mapping[str, Array], deadline: Deadline) -> dict[str, Array]:
        images, name = inputs[IMAGE.name], self._logits.name
        logits = in_order(self._images.runs(images, [name], deadline), name, len(images))
        return classified(self._activation(logits.astype(FP32.storage, copy=False)), self._labels)


class ImageFeatureExtraction(TaskSession):
    """An embedding for each image.

    Args:
        model: Gives `image_embeds`, `pooler_output`, or `last_hidden_state`, whose first vector is taken.
        export: The files beside it.

    """

    def __init__(self, model: ModelSession, export: Export) -> None:
        self._vectors = output_named(model, "image_embeds", "pooler_output", "last_hidden_state")
        width = (self._vectors.shape or (FREE,))[1 if len(self._vectors.shape or ()) != 3 else 2]
        outputs = (TensorSpec("embedding", FP32, (FREE, width)),)
        super().__init__(model, Signature((IMAGE,), outputs, "image-feature-extraction"))
        self._images = ImageModel(model, export)

    @override
    def answers(self, inputs: Mapping[str, Array], deadline: Deadline) -> dict[str, Array]:
        images, name = inputs[IMAGE.name], self._vectors.name
        vectors = in_order(self._images.runs(images, [name], deadline), name, len(images))
        first = vectors[:, 0] if vectors.ndim == 3 else vectors.reshape(len(images), -1)
        return {"embedding": first.astype(FP32.storage, copy=False)}


def _activation(export: Export, config: TaskConfig, classes: int) -> Callable[[Array], Array]:
    """Returns what makes scores of logits, as Hugging Face's pipeline; Ultralytics' models give scores."""
    kind = export.config.get("problem_type")
    if "imgsz" in export.metadata or (kind == "regression" and not config.multi_label):
        return identity
    several = kind == "multi_label_classification" if config.multi_label is None else config.multi_label
    return sigmoid if several or classes == 1 else softmax
