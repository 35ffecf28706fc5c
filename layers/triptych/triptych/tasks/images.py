"""A model of pixels that is given images: decoded, processed, and run together where they have one size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from triptych.clock import Deadline
from triptych.errors import BadRows, ModelUnavailable, PayloadTooLarge
from triptych.models.model import ModelSession
from triptych.protocol.datatypes import BYTES, INT64
from triptych.protocol.tensors import FREE, Array, Tensor, TensorSpec
from triptych.tasks.export import PREPROCESSOR, Export
from triptych.tasks.image_file import BadImage, decoded
from triptych.tasks.image_processor import ImageProcessor, Size
from triptych.tasks.image_processor_config import (
    timm_processor,
    transformers_processor,
    ultralytics_processor,
)

IMAGE = TensorSpec("image", BYTES, (FREE,), image=True)
"""The input of all tasks on images."""

_RUN_BYTES = 64 * 2**20
"""Bytes of pixels that are run at once: a hundred images of 224 x 224, five of 800 x 1333."""

_MASK = "pixel_mask"


class Ran(NamedTuple):
    """A run of the model.

    Attributes:
        rows: Which rows it was of, by number from 0.
        sizes: Width and height of their images.
        results: Outputs of the model by name, of shape `[rows, ...]`.
    """

    rows: Sequence[int]
    sizes: Sequence[Size]
    results: dict[str, Array]


class _Pixels(NamedTuple):
    row: int
    size: Size
    values: Array


class ImageModel:
    """Runs a model of pixels on images.

    Images are never padded to the size of others: the answer for one is the same whatever stands beside it.

    Args:
        model: Takes pixels of shape `[images, 3, height, width]`, perhaps a mask of them.
        export: The files beside it, which say how images are processed.

    Raises:
        ModelUnavailable: The model takes something else, or the files do not say.
    """

    def __init__(self, model: ModelSession, export: Export) -> None:
        self._model = model
        self._pixels = _pixels_input(model)
        self._masked = any(spec.name == _MASK for spec in model.signature.inputs)
        self._one_by_one = (self._pixels.shape or (FREE,))[0] == 1 or export.quantizes_as_it_runs
        self._processor = _processor(export)

    def runs(self, values: Array, outputs: Sequence[str], deadline: Deadline) -> Iterator[Ran]:
        """Decodes images, and runs those together that have one size.

        Args:
            values: Image files, or base64 of them, of shape `[rows]`.
            outputs: Names of the wanted outputs.
            deadline: When it must have ended.

        Raises:
            BadRows: Some are no images.
            PayloadTooLarge: The only one has too many pixels.
            TriptychError: As `ModelSession.run`.
        """
        reasons: dict[int, str] = {}
        waiting: dict[tuple[int, ...], list[_Pixels]] = {}
        for row, value in enumerate(values):
            deadline.check("decoding images")
            try:
                pixels = self._decoded(row, value)
            except BadImage as error:
                reasons[row + 1] = str(error)
            except PayloadTooLarge as error:
                if len(values) == 1:
                    raise
                reasons[row + 1] = str(error)
            else:
                if reasons:  # the others are looked at, and nothing is run
                    continue
                group = waiting.setdefault(pixels.values.shape, [])
                group.append(pixels)
                if self._one_by_one or _size(waiting) >= _RUN_BYTES:
                    yield from self._flushed(waiting, outputs, deadline)
        if reasons:
            raise BadRows(reasons)
        yield from self._flushed(waiting, outputs, deadline)

    def _decoded(self, row: int, value: str | bytes) -> _Pixels:
        image = decoded(value)
        return _Pixels(row, image.size, self._processor.pixels(image))

    def _flushed(
        self, waiting: dict[tuple[int, ...], list[_Pixels]], outputs: Sequence[str], deadline: Deadline
    ) -> Iterator[Ran]:
        for group in waiting.values():
            yield self._ran(group, outputs, deadline)
        waiting.clear()

    def _ran(self, group: Sequence[_Pixels], outputs: Sequence[str], deadline: Deadline) -> Ran:
        values = np.stack([pixels.values for pixels in group])
        datatype = self._pixels.datatype
        inputs = {self._pixels.name: Tensor(datatype, values.astype(datatype.storage, copy=False))}
        if self._masked:
            shape = (len(group), *values.shape[2:])
            inputs[_MASK] = Tensor(INT64, np.ones(shape, dtype=INT64.storage))
        results = self._model.run(inputs, outputs, deadline)
        return Ran(
            [pixels.row for pixels in group],
            [pixels.size for pixels in group],
            {name: tensor.values for name, tensor in results.items()},
        )


def in_order(runs: Iterator[Ran], output: str, rows: int) -> Array:
    """Returns an output for all rows, in their order.

    Args:
        runs: Runs that together are of all rows.
        output: Name of an output whose rows have one shape.
        rows: How many there are.
    """
    found: Array | None = None
    for ran in runs:
        values = ran.results[output]
        found = np.empty((rows, *values.shape[1:]), dtype=values.dtype) if found is None else found
        found[ran.rows] = values
    return np.empty((0,)) if found is None else found


def output_named(model: ModelSession, *names: str) -> TensorSpec:
    """Returns the first output of such a name; the only one of a model that has one.

    Raises:
        ModelUnavailable: There is none.
    """
    specs = {spec.name: spec for spec in model.signature.outputs}
    found = next((specs[name] for name in names if name in specs), None)
    if found is None and len(specs) == 1:
        found = next(iter(specs.values()))
    if found is None:
        raise ModelUnavailable(f"expected an output {' or '.join(names)}; the model gives {', '.join(specs)}")
    return found


def _pixels_input(model: ModelSession) -> TensorSpec:
    specs = {spec.name: spec for spec in model.signature.inputs}
    pixels = [spec for spec in specs.values() if spec.datatype.kind == "float" and len(spec.shape or ()) == 4]
    channels = [spec.shape[1] for spec in pixels if spec.shape]
    if channels not in ([FREE], [3]) or specs.keys() - {pixels[0].name, _MASK}:
        described = ", ".join(f"{spec.name} {list(spec.shape or ())}" for spec in specs.values())
        raise ModelUnavailable(f"expected one input of shape [images, 3, height, width], got {described}")
    return pixels[0]


def _processor(export: Export) -> ImageProcessor:
    if "imgsz" in export.metadata:
        return ultralytics_processor(export.metadata)
    if export.has(PREPROCESSOR):
        return transformers_processor(export.read(PREPROCESSOR))
    if described := export.config.get("pretrained_cfg"):
        return timm_processor(described)
    raise ModelUnavailable(f"{PREPROCESSOR} is missing beside the model: save it with save_pretrained")


def _size(waiting: dict[tuple[int, ...], list[_Pixels]]) -> int:
    return sum(len(group) * group[0].values.nbytes for group in waiting.values())
