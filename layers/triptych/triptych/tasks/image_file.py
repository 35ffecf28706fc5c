"""Decodes image files: JPEG, PNG and WebP, told by their first bytes, within a bound of pixels.

Pillow's plugins are called by themselves: its registry would read forty formats more, and import them all.
"""

from __future__ import annotations

import binascii
import struct
import zlib
from io import BytesIO

import pybase64
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from triptych.errors import BadRequest, PayloadTooLarge

MAX_PIXELS = 50_000_000
"""Pixels of an image at most: phones take 48 million. Decoded, each has four bytes, for a moment twice."""

_FAILURES = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError, AttributeError),
    *(struct.error, zlib.error),
)
"""What Pillow raises for broken files. The classes share no base but Exception."""

_PNG = b"\x89PNG\r\n\x1a\n"
_SHOWN = 32  # characters of a text that is no image


class BadImage(BadRequest):
    """A value is no image that can be read."""


def decoded(value: str | bytes) -> Image.Image:
    """Decodes an image as Transformers' `load_image` does: turned upright by its EXIF data, in RGB.

    Args:
        value: The file, or base64 of it, which may be a `data:` URI.

    Raises:
        BadImage: It is not a JPEG, PNG or WebP file, or a broken one.
        PayloadTooLarge: It has more than `MAX_PIXELS` pixels.
    """
    content = value if isinstance(value, bytes) and _plugin(value) else _from_base64(value)
    plugin = _plugin(content)
    if plugin is None:
        raise BadImage(f"expected a JPEG, PNG or WebP file, or base64 of one, got {_shown(value)}")
    try:
        image: Image.Image = plugin(BytesIO(content))
        _check_size(*image.size)
        ImageOps.exif_transpose(image, in_place=True)
        return image.convert("RGB")
    except Image.DecompressionBombError:
        raise PayloadTooLarge(f"the image has more than the {MAX_PIXELS} pixels that are decoded") from None
    except _FAILURES as error:
        raise BadImage(f"the {plugin.format} image cannot be decoded: {error}"[:200]) from None


def _plugin(content: bytes) -> type[ImageFile] | None:
    if content.startswith(b"\xff\xd8\xff"):
        return JpegImageFile
    if content.startswith(_PNG):
        return PngImageFile
    return WebPImageFile if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PayloadTooLarge(
            f"the image has {width} x {height} pixels, more than the {MAX_PIXELS} that are decoded; "
            "send a smaller one"
        )


def _from_base64(value: str | bytes) -> bytes:
    """Returns what a text is base64 of; white space and what else base64 has not counts for nothing."""
    text = value.decode("ascii", errors="replace") if isinstance(value, bytes) else value
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return pybase64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


def _shown(value: str | bytes) -> str:
    if not value:
        return "nothing"
    return repr(value[:_SHOWN]) + ("..." if len(value) > _SHOWN else "")
