"""Pixels of images, beside what Transformers and timm make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image
from triptych.errors import ModelUnavailable
from triptych.tasks.image_file import BadImage
from triptych.tasks.image_processor import Letterbox, letterboxed
from triptych.tasks.image_processor_config import (
    timm_processor,
    transformers_processor,
    ultralytics_processor,
)

from tests.support.images import pattern

GOLDEN = orjson.loads((Path(__file__).parents[1] / "golden/image_processors.json").read_bytes())
PROCESSORS = {"transformers": transformers_processor, "timm": timm_processor}
VIT = GOLDEN[0]["config"]


@pytest.mark.parametrize("entry", GOLDEN)
def test_golden(entry: dict[str, Any]) -> None:
    """Pixels are those of the library itself, to the last bit that its file of answers has."""
    processor = PROCESSORS[entry["of"]](entry["config"])
    for expected in entry["pixels"]:
        pixels = processor.pixels(pattern(*expected["size"]))
        assert expected["shape"] == list(pixels.shape)
        chosen = np.linspace(0, pixels.size - 1, len(expected["values"])).astype(int)
        assert pixels.dtype == np.float32
        np.testing.assert_allclose(pixels.reshape(-1)[chosen], expected["values"], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({"size": 20}, (20, 20)),
        ({"size": [20, 30]}, (30, 20)),
        (
            {"size": 20, "image_processor_type": None, "feature_extractor_type": "ViTFeatureExtractor"},
            (20, 20),
        ),
        ({"size": 20, "image_processor_type": "CLIPImageProcessorFast"}, (40, 20)),
        ({"size": 20, "image_processor_type": "DetrFeatureExtractor", "max_size": 30}, (30, 15)),
    ],
)
def test_sizes_of_old_files(config: dict[str, Any], size: tuple[int, int]) -> None:
    """Sizes as files of earlier releases write them."""
    pixels = transformers_processor(VIT | config).pixels(pattern(80, 40))
    assert (size[1], size[0]) == pixels.shape[1:]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"image_processor_type": "LevitImageProcessor"}, "LevitImageProcessor is not one of"),
        ({"size": {"width": 3}}, "preprocessor_config.json cannot be read"),
        ({"size": "large"}, "preprocessor_config.json cannot be read"),
        ({"image_mean": [1, 2]}, "preprocessor_config.json cannot be read"),
        ({"resample": 77}, "preprocessor_config.json cannot be read"),
        ({"do_center_crop": True}, "'crop_size'"),
    ],
)
def test_wrong_files(config: dict[str, Any], message: str) -> None:
    """What cannot be followed is said when the model is opened."""
    with pytest.raises(ModelUnavailable, match=message):
        transformers_processor(VIT | config)


def test_wrong_timm() -> None:
    """The same for timm's configuration."""
    with pytest.raises(ModelUnavailable, match="pretrained_cfg cannot be read"):
        timm_processor({"input_size": [3]})


def test_sides_too_unlike() -> None:
    """An image that would become enormous, or nothing, is refused."""
    shortest = transformers_processor(GOLDEN[4]["config"] | {"size": {"shortest_edge": 2000}})
    with pytest.raises(BadImage, match="sides are too unlike"):
        shortest.pixels(Image.new("RGB", (1, 20)).resize((1, 20_000)))
    longest = transformers_processor(GOLDEN[10]["config"])
    with pytest.raises(BadImage, match="resized to 0 x 80"):
        longest.pixels(Image.new("RGB", (1, 1000)))


def linear(image: Image.Image, x: float, y: float) -> list[float]:
    """Returns the levels at a place between pixels, whose centres have whole numbers."""
    x, y = min(max(x, 0), image.width - 1), min(max(y, 0), image.height - 1)
    left, top = int(x), int(y)
    right, bottom = min(left + 1, image.width - 1), min(top + 1, image.height - 1)
    a, b = x - left, y - top
    corners = [
        (left, top, (1 - a) * (1 - b)),
        (right, top, a * (1 - b)),
        (left, bottom, (1 - a) * b),
        (right, bottom, a * b),
    ]
    levels = np.asarray(image, dtype=np.float64)
    return list(np.sum([levels[row, column] * share for column, row, share in corners], axis=0))


@pytest.mark.parametrize("size", [(100, 60), (61, 97), (30, 31), (64, 64), (500, 13)])
def test_letterbox(size: tuple[int, int]) -> None:
    """The image stands in the middle of grey, between its nearest pixels."""
    image = pattern(*size)
    box = Letterbox.of(size, (64, 48))
    levels = np.asarray(letterboxed((64, 48))(image)).astype(int)
    inside = levels[box.top : box.top + box.size[1], box.left : box.left + box.size[0]]
    for x, y in [(0, 0), (3, 2), (box.size[0] // 2, box.size[1] // 2), (box.size[0] - 1, box.size[1] - 1)]:
        across, down = (
            (place + 0.5) * length / new - 0.5
            for place, length, new in zip((x, y), size, box.size, strict=True)
        )
        if y < box.size[1]:
            # OpenCV cuts bits off on the way; the golden answers of a detector hold every one of them.
            assert np.abs(inside[y, x] - linear(image, across, down)).max() <= 0.75
    assert (48, 64, 3) == levels.shape
    assert min(64 / size[0], 48 / size[1]) == box.gain
    around = np.ones((48, 64), dtype=bool)
    around[box.top : box.top + box.size[1], box.left : box.left + box.size[0]] = False
    assert (levels[around] == 114).all()


def test_ultralytics() -> None:
    """Metadata of the ONNX file says the size; to classify, the shorter side is fitted and the middle cut."""
    detect = ultralytics_processor({"imgsz": "[32, 64]", "task": "detect"})
    assert (3, 32, 64) == detect.pixels(pattern(50, 50)).shape
    classify = ultralytics_processor({"imgsz": "[32, 32]", "task": "classify"})
    pixels = classify.pixels(pattern(100, 50))
    middle = pattern(100, 50).resize((64, 32), Image.Resampling.BILINEAR).crop((16, 0, 48, 32))
    assert np.array_equal(np.asarray(middle).transpose(2, 0, 1).astype("<f4") / np.float32(255), pixels)
    with pytest.raises(ModelUnavailable, match="imgsz"):
        ultralytics_processor({"imgsz": "[32", "task": "detect"})
