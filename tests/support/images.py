"""Images for tests."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image


def pattern(width: int, height: int) -> Image.Image:
    """Makes an image whose levels follow from their position, as `training/golden` does."""
    y, x = np.mgrid[:height, :width]
    levels = np.stack([(37 * x + 11 * y) % 256, (x * y) % 256, (5 * x + y * y) % 256], axis=-1)
    return Image.fromarray(levels.astype("u1"))


def filed(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own
    """Returns the file of an image; JPEG and WebP lose something."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
