"""One file of tables made of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

from arro3.core import RecordBatch
from arro3.io import read_ipc, read_parquet

from triptych.batches.form import FileForm, FileFormat
from triptych.bulk.output import Forward
from triptych.bulk.piece import Writable
from triptych.interfaces.objects import ObjectReader
from triptych.tables.arrow import no_rows
from triptych.tables.batch_files import write_arrow_batches, write_parquet_batches, write_tables

_WRITERS = {FileFormat.PARQUET: write_parquet_batches, FileFormat.ARROW: write_arrow_batches}
TABLES = frozenset(_WRITERS)
"""Formats whose files cannot be joined end to end."""


def rewrite(parts: Sequence[ObjectReader], form: FileForm, output: Writable) -> None:
    """Writes the rows of several files of tables as one file, in order.

    Args:
        parts: Files that were written here, all with the same columns; at least one.
        form: How they are written, and the whole.
        output: Takes the whole.
    """
    batches = (dict(zip(batch.schema.names, batch.columns, strict=True)) for batch in _batches(parts, form))
    write_tables(batches, cast("BinaryIO", Forward(output)), _WRITERS[form.format])


def _batches(parts: Sequence[ObjectReader], form: FileForm) -> Iterator[RecordBatch]:
    for part in parts:
        with part.local() as path, path.open("rb") as file:
            reader = read_parquet(file) if form.format is FileFormat.PARQUET else read_ipc(file)
            yield no_rows(reader.schema)
            yield from reader
