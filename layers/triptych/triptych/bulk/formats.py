"""Forms of files in the words of rows that travel over HTTP."""

from __future__ import annotations

from typing import Final

from triptych.batches.form import FileForm, FileFormat
from triptych.tables.formats import Format, Representation

CONTENT_TYPES: Final = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.JSON_LINES: "application/jsonlines",
    FileFormat.JSON: "application/json",
    FileFormat.PARQUET: "application/vnd.apache.parquet",
    FileFormat.ARROW: "application/vnd.apache.arrow.file",
    FileFormat.NPY: "application/x-npy",
}
"""What objects are labelled with."""

_FORMATS: Final = {
    FileFormat.CSV: Format.CSV,
    FileFormat.JSON_LINES: Format.JSON_LINES,
    FileFormat.JSON: Format.JSON_LINES,  # instances are lines without line ends
    FileFormat.PARQUET: Format.PARQUET,
    FileFormat.ARROW: Format.PARQUET,  # the same columns
    FileFormat.NPY: Format.PARQUET,  # an array has none
}


def representation(form: FileForm) -> Representation:
    """Tells how rows of a file are written."""
    return Representation(_FORMATS[form.format], form.format, form.header, form.delimiter)
