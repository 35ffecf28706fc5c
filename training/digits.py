"""Handwritten digits from one array (scikit-learn's copy of the UCI optical digits)."""

import json
from typing import NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper, parser
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from training.artefact import IR_VERSION, OPSETS, Artefact, finish

SEED = 0
INK = 16  # pixels count the ink in 4x4 blocks: 0..16

GRAPH = f"""
<ir_version: {IR_VERSION}, opset_import: ["": {OPSETS[""]}]>
digits (float[batch, 8, 8] image) => (int64[batch] digit, float[batch, 10] probabilities) {{
    pixels = Flatten(image)
    full = Constant<value = float {{{INK}}}>()
    ink = Div(pixels, full)
    mixed = Gemm(ink, weights_0, bias_0)
    hidden = Relu(mixed)
    logits = Gemm(hidden, weights_1, bias_1)
    probabilities = Softmax(logits)
    digit = ArgMax<axis = 1, keepdims = 0>(logits)
}}
"""


class Trained(NamedTuple):
    """The network, and the images that it has not seen.

    Attributes:
        estimator: takes the ink of pixels, 0 to 1, shape [N, 64].
        held_out: ink of held-out images, 0 to 16, shape [N, 64].
        labels: what they show.
    """

    estimator: MLPClassifier
    held_out: np.ndarray
    labels: np.ndarray


def fit() -> Trained:
    """Train on four fifths of the images."""
    images, labels = load_digits(return_X_y=True)
    fitted, held_out, fitted_labels, held_out_labels = train_test_split(
        images, labels, test_size=0.2, stratify=labels, random_state=SEED
    )
    estimator = MLPClassifier([128], alpha=1e-3, max_iter=400, random_state=SEED)
    estimator.fit(fitted / INK, fitted_labels)
    return Trained(estimator, held_out, held_out_labels)


def train() -> Artefact:
    """Train, and measure on the images that were held out."""
    estimator, held_out, labels = fit()
    digits, probabilities = (f(held_out / INK) for f in (estimator.predict, estimator.predict_proba))
    tensor = held_out.reshape(-1, 8, 8).astype(np.float32)
    return Artefact(
        model=export(estimator, GRAPH),
        metrics={
            "held_out": len(held_out),
            "accuracy": round(accuracy_score(labels, digits), 4),
            "log_loss": round(log_loss(labels, probabilities), 4),
        },
        inputs={"image": tensor},
        expected={"digit": digits, "probabilities": probabilities},
        examples={"digits.json": infer_request(tensor[:2])},
    )


def export(estimator: MLPClassifier, graph: str) -> onnx.ModelProto:
    """Put the network's weights into a graph."""
    model = parser.parse_model(graph)
    for kind, layers in (("weights", estimator.coefs_), ("bias", estimator.intercepts_)):
        for index, values in enumerate(layers):
            tensor = numpy_helper.from_array(values.astype(np.float32), f"{kind}_{index}")
            model.graph.initializer.append(tensor)
    return finish(model)


def infer_request(images: np.ndarray) -> str:
    """Write images, shape [N, 8, 8], as an inference request of the Open Inference Protocol."""
    tensor = {"name": "image", "shape": images.shape, "datatype": "FP32", "data": images.astype(int).tolist()}
    return json.dumps({"inputs": [tensor]}) + "\n"
