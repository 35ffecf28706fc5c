"""Image files: what is read, how, and what is refused."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from triptych.errors import PayloadTooLarge
from triptych.tasks.image_file import MAX_PIXELS, BadImage, decoded

from tests.support.images import filed, pattern

KINDS = ("JPEG", "PNG", "WEBP")


@pytest.mark.parametrize("kind", KINDS)
def test_formats(kind: str) -> None:
    """JPEG, PNG and WebP are read, as Pillow's registry reads them."""
    content = filed(pattern(40, 30), kind)
    image = decoded(content)
    assert "RGB" == image.mode
    assert (40, 30) == image.size
    expected = Image.open(BytesIO(content)).convert("RGB")
    assert np.array_equal(np.asarray(expected), np.asarray(image))


@pytest.mark.parametrize("start", ["", "data:image/png;base64,"])
def test_base64(start: str) -> None:
    """Base64 is read as text and as bytes, also as a data URI and with line breaks."""
    content = filed(pattern(9, 7))
    text = start + b64encode(content).decode()
    for value in (text, text.encode(), text[:40] + "\n" + text[40:]):
        assert np.array_equal(np.asarray(decoded(content)), np.asarray(decoded(value)))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_modes(mode: str) -> None:
    """Images of other modes become RGB as Transformers makes them RGB."""
    image = pattern(12, 10).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image, dtype="<u2") << 4)
    content = filed(image)
    assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(decoded(content)))


def test_cmyk() -> None:
    """JPEG files for print become RGB."""
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    level = np.asarray(decoded(filed(red, "JPEG"))).reshape(-1, 3).mean(axis=0)
    assert level[0] > 200
    assert level[1:].max() < 60


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright(kind: str, orientation: int) -> None:
    """Images are turned as their EXIF data says."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.new("RGB", (32, 16), "blue")
    image.paste("red", (0, 0, 8, 8))  # the corner at the top left
    upright = decoded(filed(image, kind, exif=exif))
    assert ((32, 16) if orientation < 5 else (16, 32)) == upright.size
    red = np.argwhere(np.asarray(upright)[:, :, 0] > 128).mean(axis=0) < np.array(upright.size[::-1]) / 2
    corners = {
        1: (True, True),
        2: (True, False),
        3: (False, False),
        4: (False, True),
        5: (True, True),
        6: (True, False),
        7: (False, False),
        8: (False, True),
    }
    assert corners[orientation] == tuple(red.tolist())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", "got nothing"),
        (b"", "got nothing"),
        ("flowers/rose.jpg", "got 'flowers/rose.jpg'"),
        ("s3://bucket/rose.jpg", "got 's3://bucket/rose.jpg'"),
        (b"GIF89a" + bytes(40), "..."),
        (b"BM" + bytes(40), "expected a JPEG, PNG or WebP file, or base64 of one"),
        ("data:image/png;base64,????", "expected a JPEG"),
        ("\ud800 no base64 é", "expected a JPEG"),
    ],
)
def test_no_image(value: str | bytes, shown: str) -> None:
    """What is no image of these formats is refused, and shown."""
    with pytest.raises(BadImage) as error:
        decoded(value)
    assert shown in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("kind", KINDS)
def test_cut(kind: str) -> None:
    """A file that ends too early is refused: half an image would have a wrong answer."""
    content = filed(pattern(100, 100), kind)
    with pytest.raises(BadImage, match="cannot be decoded"):
        decoded(content[: len(content) // 2])


def png_of(width: int, height: int) -> bytes:
    """Returns a PNG file that says it is large, and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + end


def test_bombs() -> None:
    """An image of too many pixels is refused before it is decoded."""
    webp = bytearray(filed(Image.new("RGBA", (1, 1)), "WEBP", lossless=True))
    assert b"VP8L" == webp[12:16]
    webp[21:25] = struct.pack("<I", 0x3FFF | 0x3FFF << 14)
    for content in (png_of(10_000, MAX_PIXELS // 10_000 + 1), bytes(webp)):
        with pytest.raises(PayloadTooLarge, match=f"{MAX_PIXELS} (pixels )?that are decoded"):
            decoded(content)


FILES = [filed(pattern(17, 13), kind) for kind in KINDS]


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, about what is wrong in a file
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=4)), max_size=4),
    st.integers(0, 3000),
)
@example(FILES[0], [], 2)
def test_any_bytes(content: bytes, changes: list[tuple[int, bytes]], length: int) -> None:
    """Whatever bytes come, they are an image, or refused with a reason."""
    changed = bytearray(content)
    for position, data in changes:
        changed[position : position + len(data)] = data
    with suppress(BadImage, PayloadTooLarge):
        assert "RGB" == decoded(bytes(changed[:length])).mode


@given(st.text() | st.binary())
def test_any_value(value: str | bytes) -> None:
    """Whatever text or bytes come, they are refused with a reason."""
    with pytest.raises(BadImage):
        decoded(value)
