"""Object detection: images to the objects in them, as JSON in the form of Hugging Face's pipeline.

```json
[{"label": "cat", "score": 0.998, "box": {"xmin": 13, "ymin": 52, "xmax": 314, "ymax": 470}}]
```

Boxes are whole pixels of the image as it stands upright.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import override

import numpy as np

from triptych.clock import Deadline
from triptych.errors import ModelUnavailable
from triptych.models.config import TaskConfig
from triptych.models.model import ModelSession
from triptych.protocol.datatypes import BYTES
from triptych.protocol.json_document import dump
from triptych.protocol.tensors import FREE, Array, Signature, TensorSpec
from triptych.tasks.export import PREPROCESSOR, Export
from triptych.tasks.found_objects import Found, Reader, sigmoid_objects, softmax_objects, ultralytics_objects
from triptych.tasks.image_processor_config import processor_kind, ultralytics_size
from triptych.tasks.images import IMAGE, ImageModel
from triptych.tasks.session import TaskSession

OBJECTS = TensorSpec("objects", BYTES, (FREE,), json=True)

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_DETR = {
    "Detr": softmax_objects,
    "Yolos": softmax_objects,
    "ConditionalDetr": sigmoid_objects(100),
    "DeformableDetr": sigmoid_objects(100),
    "RTDetr": sigmoid_objects(0),
}
"""Readers of Transformers' models, by their image processor, which postprocesses as well."""

_DETR_OUTPUTS = ("logits", "pred_boxes")


class ObjectDetection(TaskSession):
    """Objects in images.

    Args:
        model: Gives `logits` and `pred_boxes`, or the output of Ultralytics.
        export: The files beside it.
        config: What `[task]` says.

    """

    def __init__(self, model: ModelSession, export: Export, config: TaskConfig) -> None:
        super().__init__(model, Signature((IMAGE,), (OBJECTS,), "object-detection"))
        self._labels = config.labels or export.labels
        self._images = ImageModel(model, export)
        if "imgsz" in export.metadata:
            self._outputs: tuple[str, ...] = (model.signature.outputs[0].name,)
            self._read: Reader = ultralytics_objects(ultralytics_size(export.metadata))
            default = 0.25
        else:
            self._outputs, self._read, default = _DETR_OUTPUTS, _detr(model, export), 0.5
        self._threshold = default if config.threshold is None else config.threshold

    @override
    def answers(self, inputs: Mapping[str, Array], deadline: Deadline) -> dict[str, Array]:
        images = inputs[IMAGE.name]
        objects = np.empty(len(images), dtype=object)
        for ran in self._images.runs(images, self._outputs, deadline):
            for position, (row, size) in enumerate(zip(ran.rows, ran.sizes, strict=True)):
                outputs = {name: values[position] for name, values in ran.results.items()}
                objects[row] = self._described(self._read(outputs, size, self._threshold))
        return {OBJECTS.name: objects}

    def _described(self, found: Found) -> str:
        corners = found.boxes.astype(np.int64).tolist()
        described = [
            {"label": self._label(number), "score": score, "box": dict(zip(_CORNERS, box, strict=True))}
            for number, score, box in zip(found.classes.tolist(), found.scores, corners, strict=True)
        ]
        return dump(described).decode()

    def _label(self, number: int) -> str:
        return self._labels[number] if number < len(self._labels) else f"LABEL_{number}"


def _detr(model: ModelSession, export: Export) -> Reader:
    given = [spec.name for spec in model.signature.outputs]
    if not set(_DETR_OUTPUTS).issubset(given):
        wanted = ", ".join(_DETR_OUTPUTS)
        raise ModelUnavailable(f"expected outputs {wanted}; the model gives {', '.join(given)}")
    kind = processor_kind(export.read(PREPROCESSOR))
    if kind not in _DETR:
        known = ", ".join(_DETR)
        raise ModelUnavailable(f"{PREPROCESSOR}: expected an image processor of {known}, got {kind}")
    return _DETR[kind]
