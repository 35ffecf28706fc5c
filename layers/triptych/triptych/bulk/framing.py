"""What stands before and after the bodies of pieces that are joined to one file."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from arro3.core import Array, DataType
from numpy.lib import format as npy_format

from triptych.batches.form import FileForm, FileFormat
from triptych.protocol.json_body import dump
from triptych.tables.csv_codec import encode_csv


class Whole(NamedTuple):
    """A file that is made of bodies.

    Attributes:
        form: How it is written.
        columns: Names of its columns.
        layout: What else all bodies have in common.
        rows: How many rows it has.
        model: Name of the model.
        version: Its version.
    """

    form: FileForm
    columns: tuple[str, ...]
    layout: str
    rows: int
    model: str
    version: int


def head(whole: Whole) -> bytes:
    """Gives what stands before the bodies: the header row of CSV or .npy, the envelope of JSON."""
    match whole.form.format:
        case FileFormat.CSV if whole.form.header:
            none = [Array([], DataType.utf8()) for _ in whole.columns]
            return encode_csv(list(whole.columns), none, header=True, delimiter=whole.form.delimiter)
        case FileFormat.NPY:
            return _npy_header(whole)
        case FileFormat.JSON:
            envelope = {"model_name": whole.model, "model_version": str(whole.version), "predictions": []}
            return dump(envelope).removesuffix(_TAIL)
        case _:
            return b""


def tail(whole: Whole) -> bytes:
    """Gives what stands after the bodies."""
    return _TAIL if whole.form.format is FileFormat.JSON else b""


def _npy_header(whole: Whole) -> bytes:
    descr, _, shape = whole.layout.partition(":")
    inner = tuple(int(size) for size in shape.split(",") if size)
    file = io.BytesIO()
    described = {"descr": np.dtype(descr).str, "fortran_order": False, "shape": (whole.rows, *inner)}
    npy_format.write_array_header_1_0(file, described)
    return file.getvalue()


_TAIL = b"]}"
