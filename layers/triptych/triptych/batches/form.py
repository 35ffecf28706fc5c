"""How the records of a file are written."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class FileFormat(StrEnum):
    """A format of files; its value is what options call it."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    JSON = "json"
    PARQUET = "parquet"
    ARROW = "arrow"
    NPY = "npy"


TEXTS = frozenset({FileFormat.CSV, FileFormat.JSON_LINES})
"""Formats whose files can be cut between any two records, and joined end to end."""


class FileForm(NamedTuple):
    """How a file is written.

    Attributes:
        format: Its format.
        compression: `gzip` or `zstd`; None when it is plain.
        header: Whether the first row of CSV names the columns.
        delimiter: What separates the cells of CSV.
    """

    format: FileFormat
    compression: str | None = None
    header: bool = True
    delimiter: str = ","

    @property
    def is_records_alone(self) -> bool:
        """Whether nothing but records can stand in it: no header row, no schema."""
        return self.format is FileFormat.JSON_LINES or (self.format is FileFormat.CSV and not self.header)
