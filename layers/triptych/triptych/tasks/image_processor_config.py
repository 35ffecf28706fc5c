"""Reads how images are processed from what lies beside a model, or in it.

| file | of | processed as by |
|---|---|---|
| preprocessor_config.json | Transformers | its image processors for Pillow, not those for torchvision |
| config.json, `pretrained_cfg` | timm | `create_transform(..., is_training=False)` |
| metadata of the ONNX file | Ultralytics | LetterBox to detect, torchvision's resize and crop to classify |
"""

from __future__ import annotations

import ast
import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from PIL import Image

from triptych.errors import ModelUnavailable
from triptych.protocol.names import listing
from triptych.tasks.image_processor import (
    ImageProcessor,
    Size,
    Sizing,
    Step,
    cropped,
    floored,
    letterboxed,
    levels_of,
    resized,
    rounded,
)

_SUFFIXES = ("Pil", "Fast", "ImageProcessor", "FeatureExtractor")
_SQUARE = ("Beit", "DeiT", "Pvt", "ViT", "ViTHybrid")
_SHORTEST = ("Bit", "CLIP", "ChineseCLIP", "ConvNext", "MobileNetV1", "MobileNetV2", "Siglip")
_DETECTORS = ("ConditionalDetr", "DeformableDetr", "Detr", "RTDetr", "Yolos")
_KNOWN = sorted((*_SQUARE, *_SHORTEST, *_DETECTORS))
"""Image processors that resize, crop, scale and normalize, and do nothing else to an image."""

_YOLOS_STRIDE = 16
_WARPED = 384
"""Size from which ConvNeXT distorts images instead of cutting their middle out."""

_TIMM_MEAN, _TIMM_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CROP = 0.875


def transformers_processor(described: Mapping[str, Any]) -> ImageProcessor:
    """Makes the processor that a `preprocessor_config.json` describes.

    Raises:
        ModelUnavailable: It is of a kind that is not known here, or wrong.
    """
    kind = processor_kind(described)
    with _readable("preprocessor_config.json"):
        steps: list[Step] = []
        resample = Image.Resampling(int(described.get("resample", Image.Resampling.BILINEAR)))
        if described.get("do_resize", True):
            steps += _resizing(kind, described, resample)
        if described.get("do_center_crop", False):
            steps.append(cropped(_size(described["crop_size"]), floored))
        scale = float(described.get("rescale_factor", 1 / 255)) if described.get("do_rescale", True) else 1
        normal = described.get("do_normalize", True)
        mean, std = (described["image_mean"], described["image_std"]) if normal else (0.0, 1.0)
        return ImageProcessor(steps, levels_of(scale, mean, std))


def timm_processor(described: Mapping[str, Any]) -> ImageProcessor:
    """Makes the processor that timm's `pretrained_cfg` describes.

    Raises:
        ModelUnavailable: It is wrong.
    """
    with _readable("config.json: pretrained_cfg"):
        _, height, width = described["input_size"]
        share = described.get("crop_pct") or _CROP
        larger = (math.floor(width / share), math.floor(height / share))
        resample = Image.Resampling[str(described.get("interpolation") or "bicubic").upper()]
        mean, std = described.get("mean") or _TIMM_MEAN, described.get("std") or _TIMM_STD
        sizing: Sizing = partial(_shorter_side, target=larger)
        fill: tuple[int, ...] = (0, 0, 0)
        match described.get("crop_mode"):
            case "squash":
                sizing = partial(_fixed, target=larger)
            case "border":
                sizing = partial(_kept_ratio, target=larger, longest=True)
                fill = tuple(round(255 * level) for level in mean)
            case _:
                pass
        steps = [resized(sizing, resample), cropped((width, height), rounded, fill)]
        return ImageProcessor(steps, levels_of(1 / 255, mean, std))


def ultralytics_processor(metadata: Mapping[str, str]) -> ImageProcessor:
    """Makes the processor for what Ultralytics exported.

    Raises:
        ModelUnavailable: The metadata is wrong.
    """
    width, height = ultralytics_size(metadata)
    levels = levels_of(1 / 255, 0.0, 1.0)
    if metadata.get("task") != "classify":
        return ImageProcessor([letterboxed((width, height))], levels)
    sizing = partial(_shorter_side, target=(width, height))
    steps = [resized(sizing, Image.Resampling.BILINEAR), cropped((width, height), rounded)]
    return ImageProcessor(steps, levels)


def ultralytics_size(metadata: Mapping[str, str]) -> Size:
    """Returns the size of the images that a model takes.

    Raises:
        ModelUnavailable: The metadata does not tell.
    """
    with _readable("metadata of the model: imgsz"):
        height, width = map(int, ast.literal_eval(metadata["imgsz"]))
        return width, height


@contextmanager
def _readable(file: str) -> Generator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, SyntaxError, ZeroDivisionError, AttributeError) as error:
        raise ModelUnavailable(f"{file} cannot be read: {error!r}") from error


def processor_kind(described: Mapping[str, Any]) -> str:
    """Returns which image processor a `preprocessor_config.json` names, such as `ViT`.

    Raises:
        ModelUnavailable: It is of a kind that is not known here.
    """
    named = str(described.get("image_processor_type") or described.get("feature_extractor_type") or "ViT")
    kind = named
    for suffix in _SUFFIXES:
        kind = kind.removesuffix(suffix)
    if kind not in _KNOWN:
        raise ModelUnavailable(
            f"preprocessor_config.json: {named} is not one of the image processors that are known here, "
            f'{listing(_KNOWN)}; prepare images yourself, and set name = "none" under [task] in model.toml'
        )
    return kind


def _size(value: Any) -> Size:  # noqa: ANN401 - JSON
    """Returns width and height of `{"height": ..., "width": ...}`, `[height, width]` or a number."""
    if isinstance(value, Mapping):
        return int(value["width"]), int(value["height"])
    height, width = value if isinstance(value, Sequence) else (value, value)
    return int(width), int(height)


def _resizing(kind: str, described: Mapping[str, Any], resample: Image.Resampling) -> list[Step]:
    size = _size_rule(kind, described)
    if kind == "ConvNext":
        return _convnext(int(size["shortest_edge"]), described.get("crop_pct") or _CROP, resample)
    return [resized(_sizing(size, _YOLOS_STRIDE if kind == "Yolos" else 1), resample)]


def _size_rule(kind: str, described: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """Returns `size`; a number, as old files have it, is the shorter side but where images become squares."""
    size = described["size"]
    if not isinstance(size, int) or kind in _SQUARE:
        return size
    longest = {"longest_edge": described.get("max_size", 1333)} if kind in _DETECTORS else {}
    return {"shortest_edge": size, **longest}


def _convnext(size: int, share: float, resample: Image.Resampling) -> list[Step]:
    if size >= _WARPED:
        return [resized(partial(_fixed, target=(size, size)), resample)]
    larger = int(size / share)
    sizing = partial(_shorter_side, target=(larger, larger))
    return [resized(sizing, resample), cropped((size, size), floored)]


def _sizing(size: Any, stride: int) -> Sizing:  # noqa: ANN401 - JSON
    if not isinstance(size, Mapping) or "height" in size:
        return partial(_fixed, target=_size(size))
    if "max_height" in size:
        return partial(_within, target=(int(size["max_width"]), int(size["max_height"])))
    shortest = int(size["shortest_edge"])
    if size.get("longest_edge"):
        return partial(_bounded_side, shortest=shortest, longest=int(size["longest_edge"]), stride=stride)
    return partial(_shorter_side, target=(shortest, shortest))


def _fixed(_: Size, target: Size) -> Size:
    return target


def _shorter_side(image: Size, target: Size) -> Size:
    """Gives the shorter side the length of a square target's; fills a target that is no square."""
    if target[0] != target[1]:
        return _kept_ratio(image, target, longest=False)
    width, height = image
    longer = int(target[0] * max(image) / min(image))
    return (target[0], longer) if width <= height else (longer, target[0])


def _kept_ratio(image: Size, target: Size, *, longest: bool) -> Size:
    ratios = [length / wanted for length, wanted in zip(image, target, strict=True)]
    ratio = max(ratios) if longest else min(ratios)
    return round(image[0] / ratio), round(image[1] / ratio)


def _within(image: Size, target: Size) -> Size:
    scale = min(wanted / length for length, wanted in zip(image, target, strict=True))
    return int(image[0] * scale), int(image[1] * scale)


def _bounded_side(image: Size, shortest: int, longest: int, stride: int) -> Size:
    """Gives the shorter side a length, or a smaller one where the longer side would become too long."""
    width, height = image
    exact: float = shortest
    if max(image) / min(image) * shortest > longest:
        exact = longest * min(image) / max(image)
        shortest = round(exact)
    if min(image) != shortest:
        if width < height:
            width, height = shortest, int(exact * height / width)
        else:
            width, height = int(exact * width / height), shortest
    return width - width % stride, height - height % stride
