"""Draws the images that models are asked about: small ones of every mode and format."""

import numpy as np
from export import GOLDEN
from PIL import Image, ImageDraw

IMAGES = GOLDEN / "images"
UPRIGHT_AFTER_A_QUARTER_TURN = 6
_ORIENTATION = 0x0112


def draw(width: int, height: int, seed: int) -> Image.Image:
    """Draws shapes on a gradient with some noise."""
    random = np.random.default_rng(seed)
    down, right = np.mgrid[0:height, 0:width]
    base = np.stack([255 * right / width, 255 * down / height, 255 - 255 * right / width], axis=2)
    pixels = (base + random.normal(0, 8, base.shape)).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    canvas = ImageDraw.Draw(image)
    for _ in range(5):
        left, top = random.integers(0, width * 3 // 4), random.integers(0, height * 3 // 4)
        corners = (
            left,
            top,
            left + random.integers(2, width // 2 + 3),
            top + random.integers(2, height // 2 + 3),
        )
        shape = canvas.ellipse if random.random() < 0.5 else canvas.rectangle
        shape(tuple(map(int, corners)), fill=tuple(map(int, random.integers(0, 256, 3))))
    return image


def write() -> list[str]:
    """Writes the images and returns their names."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[_ORIENTATION] = UPRIGHT_AFTER_A_QUARTER_TURN
    transparent = draw(50, 40, 5)
    transparent.putalpha(draw(50, 40, 6).convert("L"))
    draw(96, 64, 1).save(IMAGES / "landscape.jpg", quality=85)
    draw(45, 80, 2).save(IMAGES / "portrait.png")
    draw(64, 64, 3).save(IMAGES / "square.webp", quality=85)
    draw(40, 56, 4).convert("L").save(IMAGES / "grey.png")
    transparent.save(IMAGES / "transparent.png")
    transparent.save(IMAGES / "transparent.webp", lossless=True)
    draw(60, 44, 7).quantize(16).save(IMAGES / "palette.png", transparency=3)
    draw(72, 48, 8).save(IMAGES / "rotated.jpg", exif=exif, quality=85)
    draw(48, 48, 9).convert("CMYK").save(IMAGES / "cmyk.jpg", quality=85)
    draw(150, 20, 10).save(IMAGES / "wide.png")
    draw(7, 5, 11).save(IMAGES / "tiny.png")
    draw(33, 31, 12).convert("L").point(lambda level: level > 128 and 255).convert("1").save(
        IMAGES / "black-and-white.png"
    )
    return sorted(path.name for path in IMAGES.iterdir())
