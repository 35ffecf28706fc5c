"""Images in S3: those that records name instead of holding them, and all under a prefix, as one file.

The images under a prefix are a file whose records are their keys: `{"image": "flowers/rose.jpg"}`. It exists
only as plain copies of its chunks. `<prefix>/images` stands for its key, and names its output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Final

import numpy as np

from triptych.aws.objects import StoredObject, ahead
from triptych.batches.batch import Batch
from triptych.batches.file import Chunk, InputFile
from triptych.batches.keys import IMAGES, file_form, staged_key
from triptych.batches.staging import MAX_CHUNKS, Staging
from triptych.batches.store import BatchStorage
from triptych.errors import BadRequest, BadRows, Conflict, UnsupportedMediaType
from triptych.protocol.json_document import dump
from triptych.protocol.tensors import Array
from triptych.rows.formats import Format

MAX_IMAGES: Final = 1_000_000
"""Images under a prefix: about what one function lists in its time."""

MAX_IMAGE: Final = 32 * 2**20
"""Bytes of an image in S3."""

_COLUMN: Final = "image"
_COUNT: Final = "triptych-images"
_AT_ONCE = 32
"""Images that are read at once: all of a block."""

_LONGEST = 1024  # bytes of a key in S3
_URI = re.compile(r"s3://([^/]+)/(.+)", re.DOTALL)
_HELD = ("data:", "/9j/", "iVBORw0KGgo", "UklGR")
"""How base64 of JPEG, PNG and WebP begins."""


class ImageList:
    """The images under a prefix, as one file whose etag changes with any of them."""

    def __init__(self) -> None:
        self._digest = sha256()
        self._size = self._count = 0

    def add(self, image: StoredObject) -> None:
        """Adds an image; the order counts; raises `BadRequest` if there are too many."""
        self._digest.update(f"{image.key}\n{image.etag}\n".encode())
        self._size += image.size
        self._count += 1
        if self._count > MAX_IMAGES:
            raise BadRequest(f"there are more than {MAX_IMAGES} images; make the prefix longer")

    def file(self, prefix: str) -> StoredObject | None:
        """Returns the file; None where there are no images."""
        if not self._count:
            return None
        key = f"{prefix.removesuffix('/')}/{IMAGES}"
        return StoredObject(key, self._size, self._digest.hexdigest(), None, 0, {_COUNT: str(self._count)})


def is_list_of_images(key: str) -> bool:
    """Returns whether a key stands for the images under a prefix."""
    return key.endswith(f"/{IMAGES}")


def count_of_images(found: StoredObject) -> int:
    """Returns how many images under a prefix a file stands for; 0 for other files."""
    return int(found.metadata.get(_COUNT, 0))


def is_image(key: str) -> bool:
    """Returns whether a key is that of an image."""
    try:
        return not is_list_of_images(key) and file_form(key.rpartition("/")[2]).format is Format.IMAGE
    except UnsupportedMediaType:
        return False


def images_of(storage: BatchStorage, batch: Batch, found: StoredObject) -> Iterator[StoredObject]:
    """Lists the images of a file: all under the prefix of its batch, or the file itself."""
    prefix = batch.source.prefix
    if prefix is None or not is_list_of_images(found.key):
        yield found
        return
    yield from (listed for listed in storage.inputs.list(prefix) if is_image(listed.key))


def image_chunks(
    file: InputFile,
    images: Iterable[StoredObject],
    chunk_bytes: int,
    staging: Staging,
    tick: Callable[[], None],
) -> list[Chunk]:
    """Writes the keys of images as JSON Lines, an object for each chunk.

    The images of a chunk have about `chunk_bytes`. For each, `tick` is called, which raises to end this.
    """
    size = max(chunk_bytes, -(-file.size // MAX_CHUNKS))
    chunks: list[Chunk] = []
    lines, pending, start = bytearray(), 0, 0

    def close() -> None:
        nonlocal start, pending
        key = staged_key(staging.batch_id, file.number, len(chunks))
        staging.work.put(key, bytes(lines), Format.JSON_LINES.content_type)
        end = start + len(lines)
        chunks.append(Chunk(file, len(chunks), start, end, staged=key))
        start, pending = end, 0
        lines.clear()

    for image in images:
        tick()
        if lines and pending + image.size > size:
            close()
        lines += dump({_COLUMN: image.key}) + b"\n"
        pending += image.size
    close()
    return [chunks[0]._replace(only=True)] if len(chunks) == 1 else chunks


def images_named(storage: BatchStorage, cells: Array) -> Array:
    """Reads the images that cells of shape `[rows]` name, and leaves those which hold an image, or base64.

    Names are keys in the bucket of inputs, and `s3://bucket/key`.

    Raises:
        BadRows: Some are not there, or may not be read.
        ServiceUnavailable: S3 cannot be reached.
    """

    def tried(cell: str | bytes) -> str | bytes | BadRequest:
        try:
            return cell if isinstance(cell, bytes) or cell.startswith(_HELD) else _named(storage, cell)
        except BadRequest as error:
            return error

    found = np.empty(len(cells), dtype=object)
    reasons: dict[int, str] = {}
    for row, content in enumerate(ahead(tried, cells, _AT_ONCE)):
        if isinstance(content, BadRequest):
            reasons[row + 1] = str(content)
        found[row] = content
    if reasons:
        raise BadRows(reasons)
    return found


def _named(storage: BatchStorage, cell: str) -> bytes:
    uri = _URI.fullmatch(cell)
    name, key = uri.groups() if uri else (storage.inputs.name, cell)
    if len(key.encode()) > _LONGEST:
        raise BadRequest(f"expected an image, its key or URI, got {cell[:40]!r}...")
    bucket = storage.inputs if name == storage.inputs.name else storage.images.get(name)
    if bucket is None:
        raise BadRequest(
            f"{cell[:200]!r} is in a bucket that images are not read from; name it in the parameter "
            "BatchImageBuckets of the stack"
        )
    try:
        image, content = bucket.fetch(key, MAX_IMAGE)
    except Conflict:
        raise BadRequest(f"there is no image {cell[:200]!r}") from None
    if content is None:
        raise BadRequest(f"the image has {image.size} bytes, more than the {MAX_IMAGE} that are read")
    return content
