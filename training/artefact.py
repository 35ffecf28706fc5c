"""What one training run leaves behind, and the checks it passes before it is written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

MODELS = Path(__file__).parent.parent / "layers" / "models"
OPSETS = {"": 21, "ai.onnx.ml": 3}
IR_VERSION = 10  # the one that belongs to opset 21
TOLERANCE = 1e-5  # ONNX Runtime computes in float32, scikit-learn in float64

type Tensors = dict[str, np.ndarray]


@dataclass(frozen=True)
class Artefact:
    """A trained model with the evidence for it.

    Attributes:
        model: the ONNX model.
        metrics: figures measured on data that the model was not trained on.
        inputs: held-out inputs by name, shape [N, ...].
        expected: what the trained estimator answers to them, by output name.
        examples: content of each example file, by file name.
        files: JSON documents that lie beside the model, by file name, as Hugging Face names them.
    """

    model: onnx.ModelProto
    metrics: dict[str, float]
    inputs: Tensors
    expected: Tensors
    examples: Mapping[str, str | bytes]
    files: Mapping[str, object] = field(default_factory=dict)


def check(artefact: Artefact) -> None:
    """Compare the ONNX model's answers with the trained estimator's.

    Raises:
        onnx.checker.ValidationError: the model is not valid ONNX.
        AssertionError: an output differs.
    """
    onnx.checker.check_model(artefact.model, full_check=True)
    session = onnxruntime.InferenceSession(artefact.model.SerializeToString())
    names = list(artefact.expected)
    for name, actual in zip(names, session.run(names, artefact.inputs), strict=True):
        if actual.dtype.kind == "f":
            np.testing.assert_allclose(actual, artefact.expected[name], TOLERANCE, TOLERANCE, err_msg=name)
        else:
            np.testing.assert_array_equal(actual, artefact.expected[name], err_msg=name)


def write_model(name: str, artefact: Artefact) -> Path:
    """Write version 1 of a model into the repository and return the path of its graph."""
    path = MODELS / name / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(artefact.model.SerializeToString(deterministic=True))
    for file, document in artefact.files.items():
        beside = path.parent / file
        beside.parent.mkdir(exist_ok=True)
        indent = None if file == "tokenizer.json" else 2
        beside.write_text(json.dumps(document, indent=indent) + "\n", encoding="utf-8")
    return path


def finish(model: onnx.ModelProto) -> onnx.ModelProto:
    """Name the batch axis of every input and output, and set the producer of the model."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    model.opset_import.sort(key=lambda opset: opset.domain)  # skl2onnx leaves them in the order of a set
    model.producer_name, model.producer_version, model.ir_version = "triptych-training", "1", IR_VERSION
    return model
