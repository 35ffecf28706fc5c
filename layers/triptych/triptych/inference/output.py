"""What stands before and after the bodies of pieces that are joined to one file.

The output of a piece, written part by part.

One file of tables made of several.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple, cast

import numpy as np
from arro3.core import RecordBatch
from arro3.io import read_ipc, read_parquet
from numpy.lib import format as npy_format

from triptych.aws.objects import ObjectReader
from triptych.errors import BadRequest
from triptych.inference.piece import Writable
from triptych.protocol.json_document import dump
from triptych.rows.arrow import no_rows
from triptych.rows.csv import encode_csv
from triptych.rows.formats import Format, RowFormat
from triptych.rows.parquet import write_arrow_batches, write_parquet_batches, write_tables
from triptych.rows.table import Column


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

    form: RowFormat
    columns: tuple[str, ...]
    layout: str
    rows: int
    model: str
    version: int


def head(whole: Whole) -> bytes:
    """Gives what stands before the bodies: the header row of CSV or .npy, the envelope of JSON."""
    match whole.form.format:
        case Format.CSV if whole.form.header:
            return encode_csv({name: [] for name in whole.columns}, whole.form)
        case Format.NPY:
            return _npy_header(whole)
        case Format.JSON:
            envelope = {"model_name": whole.model, "model_version": str(whole.version), "predictions": []}
            return dump(envelope).removesuffix(_TAIL)
        case _:
            return b""


def tail(whole: Whole) -> bytes:
    """Gives what stands after the bodies."""
    return _TAIL if whole.form.format is Format.JSON else b""


def _npy_header(whole: Whole) -> bytes:
    descr, _, shape = whole.layout.partition(":")
    inner = tuple(int(size) for size in shape.split(",") if size)
    file = io.BytesIO()
    described = {"descr": np.dtype(descr).str, "fortran_order": False, "shape": (whole.rows, *inner)}
    npy_format.write_array_header_1_0(file, described)
    return file.getvalue()


_TAIL = b"]}"


_WRITERS = {Format.PARQUET: write_parquet_batches, Format.ARROW: write_arrow_batches}


class Part(NamedTuple):
    """Some predicted records.

    Attributes:
        text: Them as they are written; empty for formats of tables.
        columns: Them as columns by name; without cells where there is text.
        layout: What all parts must have in common beside the names of columns.
        rows: How many there are.
    """

    text: bytes
    columns: Mapping[str, Column]
    layout: str
    rows: int


class Written(NamedTuple):
    """What was written.

    Attributes:
        columns: Names of the columns.
        layout: What else all pieces of the file must have in common.
    """

    columns: tuple[str, ...]
    layout: str


def write_parts(parts: Iterable[Part], form: RowFormat, output: Writable) -> Written:
    """Writes parts.

    Args:
        parts: At least one; the first may be without rows.
        form: How they are written.
        output: Takes them.

    Raises:
        BadRequest: A part has other columns than the ones before, or none that the format can hold.
    """
    checked = _Checked(parts)
    if writer := _WRITERS.get(form.format):
        write_tables((part.columns for part in checked), cast("BinaryIO", Forward(output)), writer)
    else:
        between = b""
        for part in checked:
            text = part.text
            if text and form.format is Format.JSON:
                text, between = between + b",".join(text.split(b"\n")[:-1]), b","
            output.write(text)
    return Written(checked.columns, checked.layout)


class Forward(io.RawIOBase):
    """A file that can only be written to, as arro3 wants one.

    Args:
        output: Takes the bytes.
    """

    def __init__(self, output: Writable) -> None:
        super().__init__()
        self._output = output

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, data: object, /) -> int:
        """Passes bytes on."""
        content = bytes(cast("bytes", data))
        self._output.write(content)
        return len(content)


class _Checked(Iterable[Part]):
    """Parts that are checked to have the same columns.

    Attributes:
        columns: Names of the columns.
        layout: What else they have in common.
    """

    def __init__(self, parts: Iterable[Part]) -> None:
        self.columns: tuple[str, ...] = ()
        self.layout = ""
        self._parts = parts
        self._rows = 0

    def __iter__(self) -> Iterator[Part]:
        for number, part in enumerate(self._parts):
            if number == 0 or self._rows == 0:  # a model tells only with rows what it leaves open
                self.columns, self.layout = tuple(part.columns), part.layout
            elif (self.columns, self.layout) != (tuple(part.columns), part.layout):
                before, now = _shape(self.columns, self.layout), _shape(tuple(part.columns), part.layout)
                raise BadRequest(
                    f"the model gives {before} for some records and {now} for others; "
                    "leave the output out with the option outputs"
                )
            self._rows += part.rows
            yield part


def _shape(columns: tuple[str, ...], layout: str) -> str:
    return layout or f"{len(columns)} columns"


TABLES = frozenset(_WRITERS)
"""Formats whose files cannot be joined end to end."""


def rewrite(parts: Sequence[ObjectReader], form: RowFormat, output: Writable) -> None:
    """Writes the rows of several files of tables as one file, in order.

    Args:
        parts: Files that were written here, all with the same columns; at least one.
        form: How they are written, and the whole.
        output: Takes the whole.
    """
    batches = (dict(zip(batch.schema.names, batch.columns, strict=True)) for batch in _batches(parts, form))
    write_tables(batches, cast("BinaryIO", Forward(output)), _WRITERS[form.format])


def _batches(parts: Sequence[ObjectReader], form: RowFormat) -> Iterator[RecordBatch]:
    for part in parts:
        with part.local() as path, path.open("rb") as file:
            reader = read_parquet(file) if form.format is Format.PARQUET else read_ipc(file)
            yield no_rows(reader.schema)
            yield from reader
