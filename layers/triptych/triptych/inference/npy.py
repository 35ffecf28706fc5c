"""Files of .npy: an array of numbers, one row after the other behind a header."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from triptych.errors import BadRequest
from triptych.inference.piece import Piece, Source
from triptych.inference.slices import Sizes
from triptych.rows.outputs import arrow_of
from triptych.rows.schema import RowSchema
from triptych.rows.table import Table

_HEADER = 2**16  # bytes; headers of arrays of numbers have some hundred at most


class NpyHeader(NamedTuple):
    """What stands before the rows, as it is in the file, and what it says: one dimension at least."""

    text: bytes
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.shape[0]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=object))


def npy_header(source: Source) -> NpyHeader:
    """Reads the header of a file, and compares the length of the file with it.

    Raises:
        BadRequest: It is no such file, its length is not what its header says, or it holds anything but rows
            of numbers, one after the other.
    """
    header = _parsed(source.read(0, min(_HEADER, source.size)))
    expected = len(header.text) + header.rows * header.row_bytes
    if source.size != expected:
        raise BadRequest(f"the .npy file must have {expected} bytes as its header says; it has {source.size}")
    return header


def npy_rows(piece: Piece, schema: RowSchema, sizes: Sizes) -> Iterator[tuple[Table, int]]:
    """Reads the rows of a piece, and the position after the last of each block.

    Raises:
        BadRequest: The model has several inputs, or the array does not hold numbers.
    """
    header = _parsed(piece.head) if piece.head else npy_header(piece.source)
    dtype, before, row_bytes = header.dtype, len(header.text), header.row_bytes
    if schema.only_input is None:
        raise BadRequest(
            "the model has several inputs, and .npy holds a single array; send Parquet or JSON Lines"
        )
    if dtype.kind not in "biuf":
        raise BadRequest(f"the .npy file holds {dtype}, and only numbers are read")
    rows = max(1, min(sizes.block // max(1, row_bytes), sizes.records))
    for start in range(piece.start, piece.end, rows):
        stop = min(start + rows, piece.end)
        data = piece.source.read(before + start * row_bytes, before + stop * row_bytes)
        values = np.frombuffer(data, dtype).reshape(stop - start, *header.shape[1:])
        column = arrow_of(values.astype(dtype.newbyteorder("="), copy=False))
        yield Table({schema.only_input.name: column}, stop - start), stop


def new_npy_header(layout: str, rows: int) -> bytes:
    """Returns the header of a new file; the layout is type and shape of a row, such as `<f4:3,2`."""
    descr, _, inner = layout.partition(":")
    shape = (rows, *(int(size) for size in inner.split(",") if size))
    file = io.BytesIO()
    described = {"descr": np.dtype(descr).str, "fortran_order": False, "shape": shape}
    npy_format.write_array_header_1_0(file, described)
    return file.getvalue()


def _parsed(beginning: bytes) -> NpyHeader:
    file = io.BytesIO(beginning)
    try:
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError, SyntaxError) as error:
        raise BadRequest(f"the file is not readable as .npy: {error}") from None
    if dtype.hasobject:
        raise BadRequest("the .npy file holds Python objects, which are not read; save it as numbers or text")
    if not shape:
        raise BadRequest("the .npy file holds a single value; save an array of rows")
    if fortran and len(shape) > 1:
        raise BadRequest(
            "the .npy file is in Fortran order, whose rows are not in one piece; "
            "save it with numpy.save(file, numpy.ascontiguousarray(array))"
        )
    return NpyHeader(beginning[: file.tell()], shape, dtype)
