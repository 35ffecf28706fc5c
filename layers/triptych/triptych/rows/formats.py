"""The formats that rows come and go in, and their names in HTTP headers.

| format | media types; the first is the one that answers are labelled with by default |
|---|---|
| CSV | text/csv |
| JSON Lines | application/jsonlines, application/x-ndjson, application/x-jsonlines, application/x-jsonl |
| JSON instances | application/json |
| Parquet | application/vnd.apache.parquet, application/x-parquet |

How the records of a file are written.

Forms of files in the words of rows that travel over HTTP.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from enum import Enum, StrEnum
from typing import Final, NamedTuple

from triptych.errors import BadRequest, NotAcceptable, UnsupportedMediaType
from triptych.protocol.media_types import MediaType, media_type


class Format(Enum):
    """A format of rows."""

    CSV = "CSV"
    JSON_LINES = "JSON Lines"
    JSON = "JSON instances"
    PARQUET = "Parquet"


_FORMATS: dict[str, Format] = {
    "text/csv": Format.CSV,
    "application/jsonlines": Format.JSON_LINES,
    "application/x-ndjson": Format.JSON_LINES,
    "application/x-jsonlines": Format.JSON_LINES,
    "application/x-jsonl": Format.JSON_LINES,
    "application/json": Format.JSON,
    "application/vnd.apache.parquet": Format.PARQUET,
    "application/x-parquet": Format.PARQUET,
}
DELIMITERS: Final[Mapping[str, str]] = {
    **{mark: mark for mark in sorted(set(string.punctuation) - set("\"'.+-_\\"))},
    **dict.fromkeys(("\t", "\\t", "tab"), "\t"),
}
"""What may separate the cells of CSV, by what options call it."""

A_DELIMITER = "one mark such as ',', ';', '|', or 'tab'"
"""What messages expect as a delimiter."""

_CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii"}


class Representation(NamedTuple):
    """How rows are written.

    Attributes:
        format: Their format.
        name: The media type that it goes by.
        header: Whether the first row of a CSV names the columns.
        delimiter: What separates its cells.
    """

    format: Format
    name: str
    header: bool = True
    delimiter: str = ","

    @property
    def content_type(self) -> str:
        """Value of the Content-Type header."""
        if self.format is not Format.CSV:
            return self.name
        return f"{self.name}; charset=utf-8{'' if self.header else '; header=absent'}"


def names_rows(content_type: str | None) -> bool:
    """Tells whether a Content-Type header names rows; JSON may be anything."""
    return _FORMATS.get(media_type(content_type or "").name, Format.JSON) is not Format.JSON


def request_representation(content_type: str | None, delimiter: str | None = None) -> Representation:
    """Tells how the rows of a request are written.

    Args:
        content_type: Its Content-Type header.
        delimiter: What separates the cells of CSV, as `DELIMITERS` calls it; None for a comma.

    Raises:
        BadRequest: No such delimiter is read here.
        UnsupportedMediaType: Such rows are not read here.
    """
    given = media_type(content_type or "")
    known = _FORMATS.get(given.name)
    if known is None:
        raise UnsupportedMediaType(
            f"Content-Type {(content_type or '')[:64]!r} is not read here; send one of {', '.join(_FORMATS)}"
        )
    charset = given.parameters.get("charset", "utf-8")
    if known is not Format.PARQUET and charset.lower() not in _CHARSETS:
        raise UnsupportedMediaType(f"charset {charset[:32]!r} is not read here; send UTF-8")
    mark = DELIMITERS.get("," if delimiter is None else delimiter)
    if mark is None:
        raise BadRequest(f"delimiter: expected {A_DELIMITER}, got {(delimiter or '')[:80]!r}")
    return Representation(known, given.name, _has_header(given, default=True), mark)


def answer_representation(accept: str | None, request: Representation) -> Representation:
    """Chooses how the rows of an answer are written: as the request's, unless Accept wants otherwise.

    Of equally wanted types, one named in full goes before a wildcard's, and the request's before others.

    Args:
        accept: The Accept header.
        request: How the rows of the request are written.

    Raises:
        NotAcceptable: No format here is accepted.
    """
    if not accept or not accept.strip():
        return request
    ranges = [media_type(part) for part in accept.split(",")]
    chosen = max((request.name, *_FORMATS), key=lambda name: _wanted(name, ranges))
    if _wanted(chosen, ranges)[0] == 0:
        raise NotAcceptable(f"Accept {accept[:64]!r} names no type that is given here: {', '.join(_FORMATS)}")
    best = _closest(chosen, ranges)
    header = _has_header(best, default=request.header)
    return Representation(_FORMATS[chosen], chosen, header, request.delimiter)


def _wanted(name: str, ranges: Sequence[MediaType]) -> tuple[float, int]:
    closest = _closest(name, ranges)
    specificity = closest.specificity(name)
    return (closest.quality if specificity else 0.0), specificity


def _closest(name: str, ranges: Sequence[MediaType]) -> MediaType:
    return max(ranges, key=lambda candidate: candidate.specificity(name))


def _has_header(given: MediaType, *, default: bool) -> bool:
    value = given.parameters.get("header", "").lower()
    return {"present": True, "absent": False}.get(value, default)


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


CONTENT_TYPES: Final = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.JSON_LINES: "application/jsonlines",
    FileFormat.JSON: "application/json",
    FileFormat.PARQUET: "application/vnd.apache.parquet",
    FileFormat.ARROW: "application/vnd.apache.arrow.file",
    FileFormat.NPY: "application/x-npy",
}
"""What objects are labelled with."""

_FORMATS_OF_ROWS: Final = {
    FileFormat.CSV: Format.CSV,
    FileFormat.JSON_LINES: Format.JSON_LINES,
    FileFormat.JSON: Format.JSON_LINES,  # instances are lines without line ends
    FileFormat.PARQUET: Format.PARQUET,
    FileFormat.ARROW: Format.PARQUET,  # the same columns
    FileFormat.NPY: Format.PARQUET,  # an array has none
}


def representation(form: FileForm) -> Representation:
    """Tells how rows of a file are written."""
    return Representation(_FORMATS_OF_ROWS[form.format], form.format, form.header, form.delimiter)
