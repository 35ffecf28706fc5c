"""Exports of image models that are small enough to compute by hand, as Optimum and Ultralytics leave them.

An image is the mean of its pixels, a vector of three, times a matrix.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from triptych.protocol.tensors import Array

from tests.support.tiny_models import Tensors, model

SIZE = 8
PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "size": {"height": SIZE, "width": SIZE},
    "image_mean": [0.0, 0.0, 0.0],
    "image_std": [1.0, 1.0, 1.0],
}
COLOURS = ("red", "green", "blue")
CONFIG = {
    "architectures": ["ViTForImageClassification"],
    "id2label": {str(index): colour for index, colour in enumerate(COLOURS)},
}
PIXELS: Tensors = {"pixel_values": ("FP32", ["images", 3, "height", "width"])}
_MEAN = helper.make_node("ReduceMean", ["pixel_values", "sides"], ["mean"], keepdims=0)
_SIDES = np.array([2, 3])


def classifier(pixels: Tensors = PIXELS) -> bytes:
    """Gives `logits` of shape [images, 3]: ten times the mean of each colour."""
    (name,) = pixels
    nodes = [
        helper.make_node("ReduceMean", [name, "sides"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "ten"], ["logits"]),
    ]
    return model(
        nodes, pixels, {"logits": ("FP32", ["images", 3])}, sides=_SIDES, ten=np.array([10], dtype="<f4")
    )


def encoder() -> bytes:
    """Gives `last_hidden_state` of shape [images, 1, 3]: the mean of each colour."""
    nodes = [_MEAN, helper.make_node("Unsqueeze", ["mean", "one"], ["last_hidden_state"])]
    output: Tensors = {"last_hidden_state": ("FP32", ["images", 1, 3])}
    return model(nodes, PIXELS, output, sides=_SIDES, one=np.array([1]))


def detector(logits: Array, boxes: Array) -> bytes:
    """Gives `logits` and `pred_boxes`, the same for each image.

    Args:
        logits: FP32 of shape [candidates, classes].
        boxes: FP32 of shape [candidates, 4].
    """
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values", "axes"], ["level"]),
        helper.make_node("Mul", ["level", "nothing"], ["zero"]),
        helper.make_node("Squeeze", ["zero", "last"], ["flat"]),
        helper.make_node("Add", ["flat", "classes"], ["logits"]),
        helper.make_node("Add", ["flat", "places"], ["pred_boxes"]),
    ]
    outputs: Tensors = {
        "logits": ("FP32", ["images", *logits.shape]),
        "pred_boxes": ("FP32", ["images", *boxes.shape]),
    }
    weights: dict[str, Array] = {
        "axes": np.array([1, 2, 3]),
        "last": np.array([3]),
        "nothing": np.array([0], dtype="<f4"),
        "classes": logits[None],
        "places": boxes[None],
    }
    return model(nodes, PIXELS, outputs, **weights)


def ultralytics(output: Array, **metadata: str) -> bytes:
    """Gives `output0`, the same for each image, with metadata inside the file."""
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["level"]),
        helper.make_node("Mul", ["level", "nothing"], ["zero"]),
        helper.make_node("Squeeze", ["zero", "last"], ["flat"]),
        helper.make_node("Add", ["flat", "found"], ["output0"]),
    ]
    inputs: Tensors = {"images": ("FP32", [1, 3, 32, 32])}
    content = model(
        nodes,
        inputs,
        {"output0": ("FP32", [1, *output.shape])},
        axes=np.array([1, 2, 3]),
        last=np.array([3]),
        nothing=np.array([0], dtype="<f4"),
        found=output[None],
    )
    proto = onnx.load_from_string(content)
    helper.set_model_props(proto, metadata)
    return bytes(proto.SerializeToString())


def add_export(models: Path, name: str, content: bytes, **files: Mapping[str, Any]) -> None:
    """Puts an export into a repository.

    Args:
        models: The repository.
        name: Name of the model.
        content: Content of the `.onnx` file.
        files: Content of more files, by their names without `.json`.
    """
    directory = models / name / "1"
    directory.mkdir(parents=True)
    for file, document in files.items():
        (directory / f"{file}.json").write_text(json.dumps(document))
    (directory / "model.onnx").write_bytes(content)
