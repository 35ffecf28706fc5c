"""Handwritten digits on pictures: the network of `digits` behind an image processor of Transformers."""

from io import BytesIO

import numpy as np
from PIL import Image
from sklearn.metrics import accuracy_score

from training.artefact import IR_VERSION, OPSETS, Artefact
from training.digits import INK, export, fit

SIDE = 8
PICTURE = 64  # sides of the example pictures
SHOWN = (3, 4, 7)  # digits of which there is an example

GRAPH = f"""
<ir_version: {IR_VERSION}, opset_import: ["": {OPSETS[""]}]>
handwriting (float[batch, 3, {SIDE}, {SIDE}] pixel_values) => (float[batch, 10] logits) {{
    channels = Constant<value = int64[1] {{1}}>()
    white = Constant<value = float {{1}}>()
    grey = ReduceMean<keepdims = 0>(pixel_values, channels)
    dark = Sub(white, grey)
    ink = Flatten(dark)
    mixed = Gemm(ink, weights_0, bias_0)
    hidden = Relu(mixed)
    scores = Gemm(hidden, weights_1, bias_1)
    logits = LogSoftmax(scores)
}}
"""
PREPROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": SIDE, "width": SIDE},
    "resample": int(Image.Resampling.BOX),  # the ink in a block, as the images of the data set were made
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": False,
}
CONFIG = {
    "architectures": ["PerceptronForImageClassification"],
    "id2label": {str(digit): str(digit) for digit in range(10)},
    "image_size": SIDE,
}


def train() -> Artefact:
    """Train on four fifths of the images, measure on pictures of the rest."""
    estimator, held_out, labels = fit()
    pixels = 1 - held_out.reshape(-1, 1, SIDE, SIDE) / INK
    probabilities = estimator.predict_log_proba(held_out / INK)
    return Artefact(
        model=export(estimator, GRAPH),
        metrics={
            "held_out": len(held_out),
            "accuracy": round(accuracy_score(labels, probabilities.argmax(axis=1)), 4),
        },
        inputs={"pixel_values": np.repeat(pixels, 3, axis=1).astype(np.float32)},
        expected={"logits": probabilities},
        examples={f"digit-{digit}.png": picture(held_out[labels == digit][0]) for digit in SHOWN},
        files={"config.json": CONFIG, "preprocessor_config.json": PREPROCESSOR},
    )


def picture(ink: np.ndarray) -> bytes:
    """Draw black on white, as PNG."""
    levels = np.round(255 * (1 - ink.reshape(SIDE, SIDE) / INK)).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(levels).resize((PICTURE, PICTURE), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()
