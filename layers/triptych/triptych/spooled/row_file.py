"""Predicted rows, written to a file part by part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from triptych.rows.codec import encode_rows
from triptych.rows.formats import Format, RowFormat
from triptych.rows.parquet import Columns, same_columns, write_parquet_batches, write_tables


def write_rows(
    parts: Iterable[Columns], form: RowFormat, envelope: Mapping[str, object], target: Path
) -> None:
    """Writes rows.

    Args:
        parts: Columns of equal length by name, the same names in each part; there is at least one.
        form: How they are to be written.
        envelope: What stands before the predictions where the format has a place for it.
        target: The file.

    Raises:
        BadRequest: A column has a type that the format cannot hold, or another one in a later part.
    """
    with target.open("wb") as file:
        if form.format is Format.PARQUET:
            write_tables(parts, file, write_parquet_batches)
            return
        for text in _texts(same_columns(parts), form, envelope):
            file.write(text)


def _texts(parts: Iterable[Columns], form: RowFormat, envelope: Mapping[str, object]) -> Iterator[bytes]:
    if form.format is Format.JSON:
        yield from _predictions(parts, form, envelope)
        return
    for columns in parts:
        yield encode_rows(columns, form, envelope)
        form = form._replace(header=False)


def _predictions(
    parts: Iterable[Columns], form: RowFormat, envelope: Mapping[str, object]
) -> Iterator[bytes]:
    """Takes the beginning and the end off each part, to write them once."""
    end = b"]}"
    front = encode_rows({}, form, envelope).removesuffix(end)
    yield front
    between = b""
    for columns in parts:
        objects = encode_rows(columns, form, envelope)[len(front) : -len(end)]
        if objects:
            yield between + objects
            between = b","
    yield end
