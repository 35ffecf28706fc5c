"""Images among rows: cells that hold files or base64 of them, and a body that is one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from triptych.errors import BadRequest, BadRows
from triptych.rows.schema import RowSchema
from triptych.rows.table import Table
from triptych.rows.values import Cells, describe

_WRAPPED = ("bytes", "b64")
"""Keys of objects around an image: of Hugging Face's data sets, and of TensorFlow Serving."""


def decode_image(body: bytes, schema: RowSchema) -> Table:
    """Makes a row of a body that is one image.

    Raises:
        BadRequest: The model takes no images.
    """
    name = next((spec.name for spec in schema.inputs if spec.image), None)
    if name is None:
        taken = ", ".join(repr(spec.name) for spec in schema.inputs)
        raise BadRequest(f"the model takes no image, but {taken}; send rows of those")
    return Table({name: [body]}, 1)


def image_cells(values: Sequence[Any], column: str) -> Cells:
    """Checks cells that should hold images; whether these can be decoded is seen later.

    Raises:
        BadRows: Cells hold neither bytes nor text.
    """
    cells = np.empty(len(values), dtype=object)
    cells[:] = [_unwrapped(value) for value in values]
    wrong = {
        row: f"column {column!r}: expected an image, in base64 or as bytes, got {describe(values[row - 1])}"
        for row, value in enumerate(cells, start=1)
        if not isinstance(value, str | bytes) or not value
    }
    if wrong:
        raise BadRows(wrong, ", ")
    return Cells(cells)


def _unwrapped(value: Any) -> Any:  # noqa: ANN401 - a cell
    if isinstance(value, dict):
        return next((value[key] for key in _WRAPPED if value.get(key)), None)
    return value
