"""Decodes rows of any format to tables, and encodes columns as rows of any format."""

from __future__ import annotations

from collections.abc import Mapping

from triptych.rows.csv import decode_csv, encode_csv
from triptych.rows.formats import Format, RowFormat
from triptych.rows.images import decode_image
from triptych.rows.json_lines import (
    decode_instances,
    decode_json_lines,
    encode_json_lines,
    encode_predictions,
)
from triptych.rows.parquet import decode_parquet, encode_parquet
from triptych.rows.schema import RowSchema
from triptych.rows.table import AnswerColumn, Table

MAX_DECODED = 64 * 2**20
"""Bytes of memory that the cells of one request may take, by default."""


def decode_rows(body: bytes, form: RowFormat, schema: RowSchema, limit: int = MAX_DECODED) -> Table:
    """Reads rows; `limit` is the bytes that the cells of a compressed format may take in memory.

    Raises:
        BadRequest: The rows cannot be read.
        PayloadTooLarge: They take more memory than the limit.
    """
    match form.format:
        case Format.CSV:
            return decode_csv(body, schema, form)
        case Format.JSON_LINES:
            return decode_json_lines(body, schema)
        case Format.JSON:
            return decode_instances(body, schema)
        case Format.PARQUET:
            return decode_parquet(body, limit)
        case Format.ARROW | Format.NPY:
            raise ValueError(f"{form.format} is a format of files only")
        case Format.IMAGE:
            return decode_image(body, schema)


def encode_rows(
    columns: Mapping[str, AnswerColumn], form: RowFormat, envelope: Mapping[str, object]
) -> bytes:
    """Writes columns of equal length; only JSON has a place for an envelope, before the predictions.

    Raises:
        BadRequest: A column has a type that the format cannot hold.
    """
    match form.format:
        case Format.CSV:
            return encode_csv(columns, form)
        case Format.JSON_LINES:
            return encode_json_lines(columns)
        case Format.JSON:
            return encode_predictions(columns, envelope)
        case Format.PARQUET:
            return encode_parquet(columns)
        case Format.ARROW | Format.NPY:
            raise ValueError(f"{form.format} is a format of files only")
        case Format.IMAGE:
            raise ValueError("no rows are written as an image")
