"""Formats of rows, how HTTP headers name them, and the dialect that they are written in.

| format | media types; the first is the one that answers and objects are labelled with by default |
|---|---|
| CSV | text/csv |
| JSON Lines | application/jsonlines, application/x-ndjson, application/x-jsonlines, application/x-jsonl |
| JSON instances | application/json |
| Parquet | application/vnd.apache.parquet, application/x-parquet |
| Arrow, of files only | application/vnd.apache.arrow.file |
| .npy, of files only | application/x-npy |
| an image, one row, of requests only | image/jpeg, image/png, image/webp |
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Self

from triptych.errors import NotAcceptable, UnsupportedMediaType
from triptych.protocol.media_types import MediaType, media_type


class Format(StrEnum):
    """A format of rows; its value is what options and names of files call it.

    The first of its media types is the usual one.
    """

    media_types: tuple[str, ...]

    def __new__(cls, value: str, *media_types: str) -> Self:
        """Makes a member of its value and its media types."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.media_types = media_types
        return member

    CSV = "csv", "text/csv"
    JSON_LINES = (
        "jsonl",
        "application/jsonlines",
        "application/x-ndjson",
        "application/x-jsonlines",
        "application/x-jsonl",
    )
    JSON = "json", "application/json"
    PARQUET = "parquet", "application/vnd.apache.parquet", "application/x-parquet"
    ARROW = "arrow", "application/vnd.apache.arrow.file"
    NPY = "npy", "application/x-npy"
    IMAGE = "image", "image/jpeg", "image/png", "image/webp"

    @property
    def content_type(self) -> str:
        """What objects are labelled with."""
        return RowFormat(self).content_type

    @property
    def is_json(self) -> bool:
        """Whether its cells are JSON values."""
        return self in {Format.JSON_LINES, Format.JSON}

    @property
    def is_text(self) -> bool:
        """Whether its files can be cut between any two records, and joined end to end."""
        return self in {Format.CSV, Format.JSON_LINES}


class RowFormat(NamedTuple):
    """How rows are written.

    Attributes:
        compression: How a file is compressed: `gzip` or `zstd`; None when it is plain.
        header: Whether the first row of CSV names the columns.
        delimiter: What separates the cells of CSV.
        media_type: What HTTP calls the format; None for the usual name.
    """

    format: Format
    compression: str | None = None
    header: bool = True
    delimiter: str = ","
    media_type: str | None = None

    @property
    def content_type(self) -> str:
        """Value of the Content-Type header."""
        name = self.media_type or self.format.media_types[0]
        if self.format is not Format.CSV:
            return name
        return f"{name}; charset=utf-8{'' if self.header else '; header=absent'}"

    @property
    def is_records_alone(self) -> bool:
        """Whether nothing but records can stand in it: no header row, no schema."""
        return self.format is Format.JSON_LINES or (self.format is Format.CSV and not self.header)


_IN_HTTP: Final = {
    name: known
    for known in (Format.CSV, Format.JSON_LINES, Format.JSON, Format.PARQUET)
    for name in known.media_types
}
_IN_REQUESTS: Final = {**_IN_HTTP, **dict.fromkeys(Format.IMAGE.media_types, Format.IMAGE)}
_BINARY: Final = {Format.PARQUET, Format.IMAGE}
_CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii"}


def names_rows(content_type: str | None) -> bool:
    """Returns whether a Content-Type header names rows; JSON may be anything."""
    return _IN_REQUESTS.get(media_type(content_type or "").name, Format.JSON) is not Format.JSON


def names_image(content_type: str | None) -> bool:
    """Returns whether a Content-Type header names an image."""
    return media_type(content_type or "").name in Format.IMAGE.media_types


def request_format(content_type: str | None, delimiter: str = ",") -> RowFormat:
    """Returns how the rows of a request are written, by its Content-Type header.

    Raises:
        UnsupportedMediaType: Such rows are not read here.
    """
    given = media_type(content_type or "")
    known = _IN_REQUESTS.get(given.name)
    if known is None:
        named = (content_type or "")[:64]
        raise UnsupportedMediaType(
            f"Content-Type {named!r} is not read here; send one of {', '.join(_IN_REQUESTS)}"
        )
    charset = given.parameters.get("charset", "utf-8")
    if known not in _BINARY and charset.lower() not in _CHARSETS:
        raise UnsupportedMediaType(f"charset {charset[:32]!r} is not read here; send UTF-8")
    return RowFormat(known, None, _has_header(given, default=True), delimiter, given.name)


def answer_format(accept: str | None, request: RowFormat) -> RowFormat:
    """Chooses how the rows of an answer are written: as the request's, unless Accept wants otherwise.

    Of an image the answer is JSON. Of equally wanted types, one named in full goes before a wildcard's, and
    the request's before others.

    Raises:
        NotAcceptable: No format here is accepted.
    """
    if request.format is Format.IMAGE:
        request = RowFormat(Format.JSON)
    if not accept or not accept.strip():
        return request
    ranges = [media_type(part) for part in accept.split(",")]
    first = request.media_type or request.format.media_types[0]
    chosen = max((first, *_IN_HTTP), key=lambda name: _preference(name, ranges))
    if _preference(chosen, ranges)[0] == 0:
        raise NotAcceptable(f"Accept {accept[:64]!r} names no type that is given here: {', '.join(_IN_HTTP)}")
    header = _has_header(_closest(chosen, ranges), default=request.header)
    return RowFormat(_IN_HTTP[chosen], None, header, request.delimiter, chosen)


def _preference(name: str, ranges: Sequence[MediaType]) -> tuple[float, int]:
    closest = _closest(name, ranges)
    specificity = closest.specificity(name)
    return (closest.quality if specificity else 0.0), specificity


def _closest(name: str, ranges: Sequence[MediaType]) -> MediaType:
    return max(ranges, key=lambda candidate: candidate.specificity(name))


def _has_header(given: MediaType, *, default: bool) -> bool:
    value = given.parameters.get("header", "").lower()
    return {"present": True, "absent": False}.get(value, default)
