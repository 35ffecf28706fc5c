"""Turns images into the pixels that a model takes: exactly as the library that trained it does.

```
RGB image ── steps: resize, crop, letterbox; 8 bits, by Pillow ── levels: scale, mean, deviation ──> [3, h, w]
```
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from triptych.protocol.tensors import Array
from triptych.tasks.image_file import MAX_PIXELS, BadImage

Size = tuple[int, int]
"""Width and height, as Pillow has them."""

Sizing = Callable[[Size], Size]
"""Returns the size that an image is resized to."""

Step = Callable[[Image.Image], Image.Image]

_RGB = 3


class ImageProcessor(NamedTuple):
    """Makes pixels of images.

    Attributes:
        steps: Give an image the size that the model takes.
        levels: FP32 of shape `[3, 256]`: what the model sees of each level of red, green and blue.
    """

    steps: Sequence[Step]
    levels: Array

    def pixels(self, image: Image.Image) -> Array:
        """Returns FP32 of shape `[3, height, width]`.

        Raises:
            BadImage: Its sides are too unlike to be resized.
        """
        for step in self.steps:
            image = step(image)
        levels = np.asarray(image)
        values = np.empty((_RGB, *levels.shape[:2]), dtype="<f4")
        for channel in range(_RGB):
            np.take(self.levels[channel], levels[:, :, channel], out=values[channel], mode="clip")
        return values


def levels_of(scale: float, mean: Sequence[float] | float, std: Sequence[float] | float) -> Array:
    """Returns `(level * scale - mean) / std` for the levels of three channels, as Transformers rounds it."""
    scaled = (np.arange(256) * scale).astype("<f4")
    means, deviations = (np.broadcast_to(np.asarray(value, dtype="<f4"), _RGB) for value in (mean, std))
    levels: Array = (scaled - means[:, None]) / deviations[:, None]
    return levels


def resized(sizing: Sizing, resample: Image.Resampling) -> Step:
    """Makes a step that resizes, with antialiasing where the image becomes smaller."""

    def step(image: Image.Image) -> Image.Image:
        return image.resize(_possible(sizing(image.size), image.size), resample)

    return step


def cropped(size: Size, offset: Callable[[int, int], int], fill: tuple[int, ...] = (0, 0, 0)) -> Step:
    """Makes a step that cuts the middle out; what lies outside of the image is filled.

    Args:
        size: Size of the middle.
        offset: Returns where it begins, of the length of the image and its own: libraries round differently.
        fill: The colour outside.
    """

    def step(image: Image.Image) -> Image.Image:
        left, top = (offset(length, wanted) for length, wanted in zip(image.size, size, strict=True))
        middle = Image.new("RGB", size, fill)
        middle.paste(image, (-left, -top))
        return middle

    return step


def floored(length: int, wanted: int) -> int:
    """Returns where Transformers cuts the middle out."""
    return (length - wanted) // 2


def rounded(length: int, wanted: int) -> int:
    """Returns where torchvision cuts the middle out, and pads less before than after."""
    return round((length - wanted) / 2) if length >= wanted else -((wanted - length) // 2)


class Letterbox(NamedTuple):
    """How Ultralytics fits an image into a size without distorting it.

    Attributes:
        size: The size of the image in it.
        left: Columns of padding before it.
        top: Rows of padding above it.
        gain: How many pixels one of the image has become.
    """

    size: Size
    left: int
    top: int
    gain: float

    @classmethod
    def of(cls, image: Size, target: Size) -> Letterbox:
        """Fits an image into a target."""
        gain = min(wanted / length for length, wanted in zip(image, target, strict=True))
        width, height = (round(length * gain) for length in image)
        left, top = (
            round((wanted - length) / 2 - 0.1) for length, wanted in zip((width, height), target, strict=True)
        )
        return cls((width, height), left, top, gain)


def letterboxed(target: Size) -> Step:
    """Makes a step that fits an image into a target, on grey."""

    def step(image: Image.Image) -> Image.Image:
        box = Letterbox.of(image.size, target)
        _possible(box.size, image.size)
        inside = Image.fromarray(_linear(np.asarray(image), box.size))
        whole = Image.new("RGB", target, (114, 114, 114))
        whole.paste(inside, (box.left, box.top))
        return whole

    return step


def _linear(levels: Array, size: Size) -> Array:
    """Resizes as OpenCV does, between the four nearest pixels: Pillow antialiases what becomes smaller.

    It computes with integers and cuts bits off on the way; so does this, for the same pixels bit by bit.
    """
    height, width = levels.shape[:2]
    left, right, across = _neighbours(_places(width, size[0]).clip(0, width - 1), width)
    upper, lower, down = _neighbours(_places(height, size[1]), height)
    rows = levels.astype("<i4")
    mixed = (rows[:, left] * across[0, :, None] + rows[:, right] * across[1, :, None]) >> 4
    above, below = mixed[upper] * down[0, :, None, None], mixed[lower] * down[1, :, None, None]
    between: Array = ((above >> 16) + (below >> 16) + 2) >> 2
    return between.astype("u1")


def _places(length: int, wanted: int) -> Array:
    """Returns where new pixels lie among those along an axis."""
    places: Array = ((np.arange(wanted) + 0.5) * (length / wanted) - 0.5).astype("<f4")
    return places


def _neighbours(places: Array, length: int) -> tuple[Array, Array, Array]:
    """Returns the pixels on both sides of places, and their shares in 2048, of shape `[2, places]`."""
    first = np.floor(places)
    second = places - first
    shares = np.rint(np.stack([1 - second, second]) * np.float32(2048)).astype("<i4")
    before = first.astype(np.int64)
    return before.clip(0), (before + 1).clip(max=length - 1), shares


def _possible(size: Size, image: Size) -> Size:
    width, height = size
    if not 0 < width * height <= MAX_PIXELS:
        raise BadImage(
            f"the image of {image[0]} x {image[1]} pixels would be resized to {width} x {height}: "
            "its sides are too unlike"
        )
    return size
