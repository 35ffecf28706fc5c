"""The output of a piece, written part by part."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, NamedTuple, cast

from triptych.batches.form import FileForm, FileFormat
from triptych.bulk.piece import Writable
from triptych.errors import BadRequest
from triptych.tables.batch_files import write_arrow_batches, write_parquet_batches, write_tables
from triptych.tables.table import Column

_WRITERS = {FileFormat.PARQUET: write_parquet_batches, FileFormat.ARROW: write_arrow_batches}


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


def write_parts(parts: Iterable[Part], form: FileForm, output: Writable) -> Written:
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
            if text and form.format is FileFormat.JSON:
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
