"""Reads what detectors give: boxes and scores of an image's candidates, as objects in pixels of the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from triptych.protocol.tensors import Array
from triptych.tasks.classes import sigmoid, softmax
from triptych.tasks.image_processor import Letterbox, Size

_OVERLAP = 0.7
"""Share of overlap from which two boxes of one class are one object: Ultralytics' own, as the next one."""

_MOST = 300
"""Objects of an image at most."""


class Found(NamedTuple):
    """Objects of one image.

    Attributes:
        scores: FP32 of shape `[objects]`.
        classes: Numbers of their classes, of the same shape.
        boxes: FP32 of shape `[objects, 4]`: left, top, right, bottom.
    """

    scores: Array
    classes: Array
    boxes: Array

    def take(self, objects: Array) -> Found:
        """Returns some of them, by a mask or by numbers."""
        return Found(self.scores[objects], self.classes[objects], self.boxes[objects])


Reader = Callable[[Mapping[str, Array], Size, float], Found]
"""Reads the outputs of a model for one image of a size: the objects that have more than a score."""


def softmax_objects(outputs: Mapping[str, Array], image: Size, threshold: float) -> Found:
    """Reads DETR: a candidate is the best class, unless that is the last one, which stands for nothing."""
    scores = softmax(outputs["logits"])[:, :-1]
    classes = scores.argmax(axis=1)
    found = Found(scores.max(axis=1), classes, _relative(outputs["pred_boxes"], image))
    return found.take(found.scores > threshold)


def sigmoid_objects(most: int) -> Reader:
    """Makes a reader of Conditional, Deformable and RT-DETR: a candidate may be of several classes.

    Args:
        most: How many objects are looked at; 0 for as many as there are candidates.
    """

    def read(outputs: Mapping[str, Array], image: Size, threshold: float) -> Found:
        logits = outputs["logits"]
        scores = sigmoid(logits).reshape(-1)
        best = np.argsort(-scores, kind="stable")[: most or len(logits)]
        candidates, classes = np.divmod(best, logits.shape[1])
        found = Found(scores[best], classes, _relative(outputs["pred_boxes"], image)[candidates])
        return found.take(found.scores > threshold)

    return read


def ultralytics_objects(target: Size) -> Reader:
    """Makes a reader of the only output of Ultralytics' detectors, for images of a size.

    It has shape `[4 + classes, candidates]`, or `[objects, 6]` where the model itself removed overlaps.
    """

    def read(outputs: Mapping[str, Array], image: Size, threshold: float) -> Found:
        (output,) = outputs.values()
        whole = output.shape[1] == 6
        found = _suppressed(output, threshold) if whole else _candidates(output, threshold)
        box = Letterbox.of(image, target)
        boxes = (found.boxes - np.array([box.left, box.top] * 2, dtype="<f4")) / np.float32(box.gain)
        return found._replace(boxes=boxes.clip(0, np.array(image * 2, dtype="<f4")))

    return read


def _relative(boxes: Array, image: Size) -> Array:
    """Returns corners in pixels of boxes that are centres and sizes as parts of an image."""
    corners: Array = _corners(boxes.astype("<f4", copy=False)) * np.array(image * 2, dtype="<f4")
    return corners


def _corners(boxes: Array) -> Array:
    centres, halves = boxes[:, :2], boxes[:, 2:] * np.float32(0.5)
    return np.concatenate([centres - halves, centres + halves], axis=1)


def _suppressed(output: Array, threshold: float) -> Found:
    found = Found(output[:, 4], output[:, 5].astype(np.int64), output[:, :4])
    return found.take(found.scores > threshold)


def _candidates(output: Array, threshold: float) -> Found:
    scores = output[4:]
    found = Found(scores.max(axis=0), scores.argmax(axis=0), _corners(output[:4].T))
    found = found.take(found.scores > threshold)
    found = found.take(np.argsort(-found.scores, kind="stable"))
    return found.take(_apart(found))


def _apart(found: Found) -> Array:
    """Returns the numbers of the objects that overlap no better one of their class: the best come first."""
    kept: list[int] = []
    left = np.arange(len(found.scores))
    while len(left) and len(kept) < _MOST:
        best, left = int(left[0]), left[1:]
        kept.append(best)
        same = found.classes[left] == found.classes[best]
        left = left[~(same & (_overlaps(found.boxes[best], found.boxes[left]) > _OVERLAP))]
    return np.array(kept, dtype=np.int64)


def _overlaps(box: Array, boxes: Array) -> Array:
    """Returns the intersection of a box with others over their union."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = sides.clip(0).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    union = areas + (box[2:] - box[:2]).prod() - common
    shares: Array = common / np.maximum(union, np.finfo("<f4").tiny)
    return shares
