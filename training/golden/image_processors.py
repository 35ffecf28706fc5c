"""Pixels that image processors of Transformers and timm make: `tests/golden/image_processors.json`.

For every processor there is its configuration, and for every size of an image the shape of the pixels and
some of their values.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from timm.data import create_transform, resolve_data_config
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.detr.image_processing_pil_detr import DetrImageProcessorPil
from transformers.models.mobilenet_v2.image_processing_pil_mobilenet_v2 import MobileNetV2ImageProcessorPil
from transformers.models.rt_detr.image_processing_pil_rt_detr import RTDetrImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil
from transformers.models.yolos.image_processing_pil_yolos import YolosImageProcessorPil

TARGET = Path(__file__).parents[2] / "tests/golden/image_processors.json"
SIZES = [(64, 64), (100, 60), (61, 97), (30, 31), (49, 50)]
VALUES = 24


def pattern(width: int, height: int) -> Image.Image:
    """Makes an image whose levels follow from their position."""
    y, x = np.mgrid[:height, :width]
    levels = np.stack([(37 * x + 11 * y) % 256, (x * y) % 256, (5 * x + y * y) % 256], axis=-1)
    return Image.fromarray(levels.astype("u1"))


def transformers_processors() -> list[Any]:
    """Makes processors of all kinds, of sizes that need rounding."""
    return [
        ViTImageProcessorPil(size={"height": 32, "width": 48}),
        ViTImageProcessorPil(size={"height": 32, "width": 32}, resample=3, do_normalize=False),
        ViTImageProcessorPil(size={"max_height": 40, "max_width": 50}),
        ViTImageProcessorPil(do_resize=False),
        CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 30}),
        CLIPImageProcessorPil(size={"shortest_edge": 20}, crop_size={"height": 28, "width": 31}),
        ConvNextImageProcessorPil(size={"shortest_edge": 33}),
        ConvNextImageProcessorPil(size={"shortest_edge": 384}),
        DeiTImageProcessorPil(size={"height": 40, "width": 40}, crop_size={"height": 33, "width": 33}),
        MobileNetV2ImageProcessorPil(),
        DetrImageProcessorPil(size={"shortest_edge": 48, "longest_edge": 80}),
        YolosImageProcessorPil(size={"shortest_edge": 48, "longest_edge": 80}),
        RTDetrImageProcessorPil(size={"height": 64, "width": 64}),
    ]


def timm_configurations() -> list[dict[str, Any]]:
    """Returns values of `pretrained_cfg`."""
    return [
        {"input_size": [3, 32, 32]},
        {
            "input_size": [3, 32, 32],
            "crop_pct": 1.0,
            "interpolation": "bilinear",
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
        },
        {"input_size": [3, 33, 31], "crop_pct": 0.9},
        {"input_size": [3, 32, 32], "crop_mode": "squash", "crop_pct": 0.9},
        {"input_size": [3, 33, 40], "crop_mode": "border", "crop_pct": 0.95},
    ]


def described(pixels: np.ndarray) -> dict[str, Any]:
    """Describes pixels by their shape, and values that are spread over them."""
    flat = pixels.reshape(-1)
    chosen = np.linspace(0, len(flat) - 1, VALUES).astype(int)
    return {"shape": list(pixels.shape), "values": [float(f"{value:.8g}") for value in flat[chosen]]}


def write() -> None:
    """Writes the file."""
    made = []
    for processor in transformers_processors():
        pixels = [
            np.array(processor(pattern(*size), return_tensors="np")["pixel_values"][0]) for size in SIZES
        ]
        made.append(
            {"of": "transformers", "config": json.loads(processor.to_json_string()), "pixels": pixels}
        )
    for config in timm_configurations():
        transform = create_transform(**resolve_data_config(pretrained_cfg=config), is_training=False)
        pixels = [transform(pattern(*size)).numpy() for size in SIZES]
        made.append({"of": "timm", "config": config, "pixels": pixels})
    for entry in made:
        entry["pixels"] = [
            {"size": size, **described(found)} for size, found in zip(SIZES, entry["pixels"], strict=True)
        ]
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in made) + "\n]\n")
