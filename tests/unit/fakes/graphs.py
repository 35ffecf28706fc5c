"""Tiny real models."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHTS_FILE = "weights.bin"


def write_adder(directory: Path, addend: float, *, external: bool = False) -> Path:
    """Writes a model that adds a number to each element of `x`, giving `y`.

    Args:
        directory: Where `model.onnx` goes.
        addend: The number.
        external: Whether the number lies in a file of its own, as big weights do.
    """
    directory.mkdir(parents=True, exist_ok=True)
    weights = numpy_helper.from_array(np.full(64, addend, dtype=np.float32), "addend")
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "addend"], ["y"])],
        "adder",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [64])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = directory / "model.onnx"
    onnx.save(model, path, save_as_external_data=external, location=WEIGHTS_FILE, size_threshold=0)
    return path
