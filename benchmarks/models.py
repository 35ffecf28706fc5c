"""Models that are measured: made here, and small enough to leave the program in sight."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from onnx import NodeProto, helper
from triptych.protocol.tensors import Array

from benchmarks.encoder import encoder
from tests.support.realtime import add_model
from tests.support.tiny_models import Shape, identity, model

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "layers/models"
TINY, WIDE, HEAVY, ROWS_OF_20, PENGUINS = "tiny", "wide", "heavy", "rows-of-20", "penguins"
TEXTS, ENCODER = "texts", "encoder"
REVIEWS, HANDWRITING = "reviews", "handwriting"
COLUMNS = 100
"""Columns of the wide model."""


def repository(directory: Path, *names: str) -> Path:
    """Makes a model repository.

    Args:
        directory: Where; it is new.
        *names: Which models.

    Returns:
        The directory.
    """
    for name in names:
        if name in _SHIPPED:
            shutil.copytree(SHIPPED / name, directory / name)
        elif name == ENCODER:
            shutil.copytree(SHIPPED / "search", directory / name)
            file_of(directory, name).write_bytes(encoder())
        else:
            add_model(directory, name, _CONTENTS[name]())
    return directory


def file_of(models: Path, name: str) -> Path:
    """Returns the `.onnx` file of a model in a repository."""
    return models / name / "1" / "model.onnx"


def tiny() -> bytes:
    """A perceptron of 4 inputs and 3 outputs: any time is spent around it."""
    return perceptron([4, 16, 3])


def wide() -> bytes:
    """Halves rows of 100 numbers: any time is spent on reading and writing them."""
    shape: Sequence[str | int] = ["rows", COLUMNS]
    nodes = [helper.make_node("Mul", ["x", "half"], ["y"])]
    return model(nodes, {"x": ("FP32", shape)}, {"y": ("FP32", shape)}, half=np.array([0.5], np.float32))


def rows_of_20() -> bytes:
    """A perceptron of 20 inputs and one output, for files of rows."""
    return perceptron([20, 16, 1])


def heavy() -> bytes:
    """A perceptron whose 36 MB of weights are read for every run, whether it is of one row or of many."""
    return perceptron([64, 2048, 2048, 2048, 64])


def texts() -> bytes:
    """Returns texts as they came: any time is spent on reading and writing them."""
    return identity("BYTES", ["rows"])


def perceptron(sizes: Sequence[int]) -> bytes:
    """Makes a perceptron with a ReLU after each layer but the last.

    Args:
        sizes: Width of its input `x`, of each layer, of its output `y`.
    """
    random = np.random.default_rng(sum(sizes))
    nodes: list[NodeProto] = []
    weights: dict[str, Array] = {}
    last = len(sizes) - 2
    for layer, (before, after) in enumerate(pairwise(sizes)):
        weights[f"w{layer}"] = (random.standard_normal((before, after)) / before**0.5).astype(np.float32)
        weights[f"b{layer}"] = np.zeros(after, np.float32)
        source, target = f"h{layer}" if layer else "x", "y" if layer == last else f"g{layer}"
        nodes.append(helper.make_node("Gemm", [source, f"w{layer}", f"b{layer}"], [target]))
        if layer != last:
            nodes.append(helper.make_node("Relu", [target], [f"h{layer + 1}"]))
    inputs: tuple[str, Shape] = ("FP32", ["rows", sizes[0]])
    outputs: tuple[str, Shape] = ("FP32", ["rows", sizes[-1]])
    return model(nodes, {"x": inputs}, {"y": outputs}, **weights)


_SHIPPED = (PENGUINS, REVIEWS, HANDWRITING)
_CONTENTS = {TINY: tiny, WIDE: wide, HEAVY: heavy, ROWS_OF_20: rows_of_20, TEXTS: texts}
