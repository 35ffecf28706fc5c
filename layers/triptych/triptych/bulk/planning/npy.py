"""Rows of .npy."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from triptych.errors import BadRequest
from triptych.interfaces.objects import ObjectReader

_HEADER = 2**16  # bytes; headers of arrays of numbers have some hundred at most


class NpyLayout(NamedTuple):
    """Where rows are.

    Attributes:
        head: The header.
        rows: How many rows there are.
        row_bytes: Bytes of each.
    """

    head: bytes
    rows: int
    row_bytes: int


def npy_layout(source: ObjectReader) -> NpyLayout:
    """Reads the header of a .npy file.

    Raises:
        BadRequest: It is not one, its length is not what its header says, or it holds anything but rows
            of numbers, one after the other.
    """
    file = io.BytesIO(source.read(0, min(_HEADER, source.size)))
    try:
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError, SyntaxError) as error:
        raise BadRequest(f"the file is not readable as .npy: {error}") from None
    _check(shape, dtype, fortran=fortran)
    head, row_bytes = file.getvalue()[: file.tell()], dtype.itemsize * int(np.prod(shape[1:], dtype=object))
    expected = len(head) + shape[0] * row_bytes
    if source.size != expected:
        raise BadRequest(f"the .npy file must have {expected} bytes as its header says; it has {source.size}")
    return NpyLayout(head, shape[0], row_bytes)


def _check(shape: tuple[int, ...], dtype: np.dtype[np.generic], *, fortran: bool) -> None:
    if dtype.hasobject:
        raise BadRequest("the .npy file holds Python objects, which are not read; save it as numbers or text")
    if not shape:
        raise BadRequest("the .npy file holds a single value; save an array of rows")
    if fortran and len(shape) > 1:
        raise BadRequest(
            "the .npy file is in Fortran order, whose rows are not in one piece; "
            "save it with numpy.save(file, numpy.ascontiguousarray(array))"
        )
