"""What Ultralytics exports, and what it answers, computed anew with NumPy and OpenCV.

Ultralytics itself is not used: its licence is the AGPL.
"""

import cv2
import numpy as np
import onnx
import onnxruntime
import pictures
import torch
from answers import Row, write_answers
from export import directory, scatter, write_onnx
from PIL import Image
from seers import image_rows, open_image
from torchvision import transforms

WIDTH, HEIGHT = 64, 48
CELL = 8
NAMES = {0: "circle", 1: "square", 2: "triangle"}
CONFIDENCE, OVERLAP = 0.25, 0.7
GREY = 114


class _Detector(torch.nn.Module):
    """One candidate for each cell of 8 x 8 pixels: centre, size, and a score for each class."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = torch.nn.Conv2d(3, 4 + len(NAMES), CELL, CELL)
        down, right = torch.meshgrid(torch.arange(HEIGHT // CELL), torch.arange(WIDTH // CELL), indexing="ij")
        self.register_buffer("centres", (torch.stack([right, down]) + 0.5).flatten(1) * CELL)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Returns `[batch, 4 + classes, candidates]`."""
        values = self.classifier(images - 0.5).flatten(2)
        centres = self.centres + CELL * torch.tanh(values[:, :2])
        sizes = CELL + 4 * CELL * torch.sigmoid(values[:, 2:4])
        return torch.cat([centres, sizes, torch.sigmoid(2 * values[:, 4:])], dim=1)


class _Classifier(torch.nn.Module):
    """Scores of classes that add up to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = torch.nn.Linear(3 * 16, len(NAMES))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Returns `[batch, classes]`."""
        return self.classifier(torch.nn.functional.adaptive_avg_pool2d(images, 4).flatten(1)).softmax(-1)


def write() -> None:
    """Writes all models and answers."""
    names = pictures.write()
    session = _export("ultralytics-detect", _Detector(), "detect", (HEIGHT, WIDTH))
    answers = [{"objects": _detect(session, open_image(name))} for name in names]
    reference = f"NumPy {np.__version__}, OpenCV {cv2.__version__}: letter box and non-maximum suppression"
    write_answers("ultralytics-detect", reference, [{"rows": image_rows(names), "answers": answers}])
    session = _export("ultralytics-classify", _Classifier(), "classify", (HEIGHT, HEIGHT))
    answers = [_classify(session, open_image(name)) for name in names]
    write_answers(
        "ultralytics-classify",
        "torchvision's Resize and CenterCrop",
        [{"rows": image_rows(names), "answers": answers}],
    )


def _export(
    name: str, model: torch.nn.Module, task: str, size: tuple[int, int]
) -> onnxruntime.InferenceSession:
    path = directory(name) / "model.onnx"
    write_onnx(scatter(model, 71), path, {"images": torch.zeros(2, 3, *size)}, {"output0": {0: "batch"}})
    graph = onnx.load(path)
    described = {"task": task, "names": str(NAMES), "imgsz": str([*size]), "stride": "32", "batch": "1"}
    onnx.helper.set_model_props(graph, {"author": "Ultralytics", **described})
    path.write_bytes(graph.SerializeToString(deterministic=True))
    return onnxruntime.InferenceSession(path)


def _classify(session: onnxruntime.InferenceSession, image: Image.Image) -> Row:
    prepare = transforms.Compose(
        [transforms.Resize(HEIGHT), transforms.CenterCrop(HEIGHT), transforms.ToTensor()]
    )
    scores = session.run(None, {"images": prepare(image)[None].numpy()})[0][0]
    return {"label": NAMES[int(scores.argmax())], "score": scores.max(), "scores": scores}


def _detect(session: onnxruntime.InferenceSession, image: Image.Image) -> list[Row]:
    pixels = np.asarray(image)
    gain = min(HEIGHT / pixels.shape[0], WIDTH / pixels.shape[1])
    boxed, left, top = _letterbox(pixels, gain)
    (output,) = session.run(None, {"images": boxed.transpose(2, 0, 1)[None].astype(np.float32) / 255})
    candidates = sorted(output[0].T, key=lambda values: -values[4:].max())
    kept: list[tuple[int, float, np.ndarray]] = []
    for values in candidates:
        number, score = int(values[4:].argmax()), float(values[4:].max())
        box = np.concatenate([values[:2] - values[2:4] / 2, values[:2] + values[2:4] / 2])
        if score > CONFIDENCE and all(_share(box, other) <= OVERLAP for n, _, other in kept if n == number):
            kept.append((number, score, box))
    return [
        _object(number, score, (box - [left, top, left, top]) / gain, image) for number, score, box in kept
    ]


def _letterbox(pixels: np.ndarray, gain: float) -> tuple[np.ndarray, int, int]:
    height, width = round(pixels.shape[0] * gain), round(pixels.shape[1] * gain)
    left, top = round((WIDTH - width) / 2 - 0.1), round((HEIGHT - height) / 2 - 0.1)
    boxed = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    boxed[top : top + height, left : left + width] = cv2.resize(
        pixels, (width, height), interpolation=cv2.INTER_LINEAR
    )
    return boxed, left, top


def _share(one: np.ndarray, other: np.ndarray) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = np.prod(np.maximum(sides, 0))
    return common / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - common)


def _object(number: int, score: float, box: np.ndarray, image: Image.Image) -> Row:
    corners = np.clip(box, 0, [*image.size, *image.size]).astype(int).tolist()
    described = dict(zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
    return {"label": NAMES[number], "score": score, "box": described}
