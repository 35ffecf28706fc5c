"""The output of a file: parts are written as they come, with a head before them and a tail behind.

```
whole file:       head ── part ── part ── ... ── tail
pieces of one:    part ── ...  |  part ── ...      joined later: head ── piece ── piece ── tail
```

Files of tables (Parquet, Arrow) cannot be joined end to end: their pieces are files of their own, which
`rewrite` makes one.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import BinaryIO, NamedTuple, cast

from arro3.core import RecordBatch
from arro3.io import read_ipc, read_parquet

from triptych.errors import BadRequest
from triptych.inference.npy import new_npy_header
from triptych.inference.piece import Prediction, Source, Writable
from triptych.protocol.json_document import dump
from triptych.rows.arrow import no_rows
from triptych.rows.csv import encode_csv
from triptych.rows.formats import Format, RowFormat
from triptych.rows.parquet import write_arrow_batches, write_parquet_batches, write_tables
from triptych.rows.table import AnswerColumn

_WRITERS = {Format.PARQUET: write_parquet_batches, Format.ARROW: write_arrow_batches}

TABLES = frozenset(_WRITERS)
"""Formats whose files cannot be joined end to end."""

_TAIL = b"]}"


class Part(NamedTuple):
    """Some predicted records.

    Attributes:
        text: Them as they are written; empty for formats of tables.
        columns: Them as columns by name; without cells where there is text.
        layout: What all parts must have in common beside the names of columns: of .npy, type and shape.
        predictions: Them by key, where they are looked up.
    """

    text: bytes
    columns: Mapping[str, AnswerColumn]
    layout: str
    rows: int
    predictions: Sequence[Prediction] = ()


class Written(NamedTuple):
    """What all parts of a file must have in common: names of columns, and the layout of a `Part`."""

    columns: tuple[str, ...]
    layout: str


def head(form: RowFormat, written: Written, rows: int, envelope: Mapping[str, object]) -> bytes:
    """Returns what stands before the parts: header of CSV or .npy (of so many rows), envelope of JSON."""
    match form.format:
        case Format.CSV if form.header:
            return encode_csv({name: [] for name in written.columns}, form)
        case Format.NPY:
            return new_npy_header(written.layout, rows)
        case Format.JSON:
            return dump({**envelope, "predictions": []}).removesuffix(_TAIL)
        case _:
            return b""


def tail(form: RowFormat) -> bytes:
    """Returns what stands after the parts."""
    return _TAIL if form.format is Format.JSON else b""


def write_file(
    parts: Iterator[Part], form: RowFormat, envelope: Mapping[str, object], output: Writable
) -> None:
    """Writes a whole file of one part at least; not of .npy, whose head needs the number of rows."""
    first = next(parts)
    output.write(head(form, Written(tuple(first.columns), first.layout), 0, envelope))
    write_parts(chain([first], parts), form, output)
    output.write(tail(form))


def write_parts(parts: Iterable[Part], form: RowFormat, output: Writable) -> Written:
    """Writes parts, one at least, without what stands before and after them.

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


def rewrite(parts: Sequence[Source], form: RowFormat, output: Writable) -> None:
    """Writes the rows of files of tables as one file, in order; all have the same columns."""
    batches = (dict(zip(batch.schema.names, batch.columns, strict=True)) for batch in _batches(parts, form))
    write_tables(batches, cast("BinaryIO", Forward(output)), _WRITERS[form.format])


class Forward(io.RawIOBase):
    """A file that can only be written to, as arro3 needs one."""

    def __init__(self, output: Writable) -> None:
        super().__init__()
        self._output = output

    def writable(self) -> bool:
        """Returns that it can be written to."""
        return True

    def write(self, data: object, /) -> int:
        """Passes bytes on."""
        content = bytes(cast("bytes", data))
        self._output.write(content)
        return len(content)


class _Checked(Iterable[Part]):
    """Parts that are checked to have the same columns."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.columns: tuple[str, ...] = ()
        self.layout = ""
        self._parts = parts
        self._rows = 0

    def __iter__(self) -> Iterator[Part]:
        for number, part in enumerate(self._parts):
            if number == 0 or self._rows == 0:  # only with rows it is known what a model leaves open
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


def _batches(parts: Sequence[Source], form: RowFormat) -> Iterator[RecordBatch]:
    for part in parts:
        with part.local() as path, path.open("rb") as file:
            reader = read_parquet(file) if form.format is Format.PARQUET else read_ipc(file)
            yield no_rows(reader.schema)
            yield from reader
