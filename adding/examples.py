"""Rows to try a model with: texts, pictures and numbers that differ as real ones do."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from functools import cache
from typing import Any
from zlib import crc32

import numpy as np
from triptych.protocol.datatypes import BYTES
from triptych.protocol.tensors import FREE, Array, Signature, TensorSpec

ROWS = 64
KINDS = {
    ".csv": "text/csv",
    ".jsonl": "application/jsonlines",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
"""Content types of files of examples."""
PICTURES = 8
"""Different ones: each is decoded by itself, so the same again costs the same."""
FREE_SIZES = (16, 224, 1, 28, 32, 64, 128, 512, 640)
"""Sizes of dimensions that a model leaves open, tried in this order."""

_TEXTS = (
    "The parcel arrived two days late, but the support team was friendly and sent a refund at once.",
    "Great film!",
    "Berlin is the capital of Germany, and Ada Lovelace never lived there.",
    """My password does not work any more since the last update; I have tried three browsers and two phones,
and each of them shows the same message. Please tell me what to do, because I cannot reach my invoices.""",
    "Where can I change the address of my order?",
    "I would not buy it again.",
    """Heavy rain is expected in the north on Tuesday, with wind of up to ninety kilometres an hour on the
coast; the ferries do not run before noon.""",
    "ok",
)
_WORDS = ("a", "b", "c", "d", "e")
_CANDIDATES = ["delivery", "refund", "praise"]


def example_rows(signature: Signature, free: int) -> list[dict[str, Any]]:
    """Makes rows for a model.

    Args:
        signature: What it takes, of which optional inputs stay away.
        free: Size of each dimension that it leaves open.

    Returns:
        JSON values by the names of the inputs.
    """
    columns = {spec.name: _cells(spec, free, is_text=bool(signature.task)) for spec in signature.required}
    return [{name: cells[row] for name, cells in columns.items()} for row in range(ROWS)]


def _cells(spec: TensorSpec, free: int, *, is_text: bool) -> Sequence[Any]:
    if spec.image:
        return [_pictures()[row % PICTURES] for row in range(ROWS)]
    if spec.json:
        return [_CANDIDATES] * ROWS
    inner = [free if size == FREE else size for size in (spec.shape or (FREE, FREE))[1:]]
    shape = (ROWS,) if math.prod(inner) == 1 else (ROWS, *inner)
    cells: list[Any] = _values(spec, shape, is_text=is_text).tolist()
    return cells


def _values(spec: TensorSpec, shape: tuple[int, ...], *, is_text: bool) -> Array:
    random = np.random.default_rng(crc32(spec.name.encode()))
    if spec.datatype is BYTES:
        words = _TEXTS if is_text else _WORDS
        return np.resize(np.array(words, dtype=object), shape)
    if spec.datatype.kind == "float":
        return random.normal(size=shape).round(3)
    # Ids of tokens, masks, flags: what lies in any vocabulary, and is an index of any table of two.
    return random.integers(0, 2, size=shape).astype(bool if spec.datatype.name == "BOOL" else int)


@cache
def _pictures() -> Sequence[str]:
    return [base64.b64encode(picture(seed)).decode() for seed in range(PICTURES)]


def picture(seed: int) -> bytes:
    """Makes a JPEG of 640 x 480: shades with shapes and grain, about as large as a photograph."""
    from PIL import Image  # noqa: PLC0415 - not among what is measured of other models

    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, size=(6, 8, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)
    grain = random.normal(scale=8, size=(480, 640, 3))
    pixels = (np.asarray(smooth, dtype=np.float32) + grain).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=85)
    return file.getvalue()
