"""Blocks of records: what is in memory of a file at a time.

```
object in S3 ── piece ──┬─ text, cut at the ends of records ──┬──> blocks
local file ── whole ────┴─ tables, in batches of rows ────────┘
```
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import orjson

from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, PayloadTooLarge
from triptych.inference.blocks import Block, CsvBlock, JsonBlock, LineBlock, TableBlock
from triptych.inference.local_file import LocalFile
from triptych.inference.npy import npy_rows
from triptych.inference.piece import Piece
from triptych.inference.slices import Sizes
from triptych.inference.table_reading import Batches, arrow_rows, local_parquet_rows, parquet_rows
from triptych.protocol.compression import PLAIN_LIMIT, decompressed
from triptych.rows.codec import decode_rows
from triptych.rows.csv import BYTE_ORDER_MARK, encode_csv
from triptych.rows.formats import Format, RowFormat
from triptych.rows.records import CsvRecords, chunks, end_of_lines, is_blank
from triptych.rows.schema import RowSchema
from triptych.rows.table import EMPTY, Table

_MAX_PLAIN = 2**50
_SHORTEST = 2  # bytes of a record of text, its newline included
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")

type Texts = Iterator[tuple[bytes, int]]
"""Whole records of text, and the position after the last of them."""


class Read(NamedTuple):
    """A block that was read.

    Attributes:
        offset: What has to be added to a position in the text that is decoded, to have that in the file.
    """

    block: Block
    end: int
    offset: int = 0


def read_piece(
    piece: Piece, form: RowFormat, schema: RowSchema, sizes: Sizes, deadline: Deadline
) -> Iterator[Read]:
    """Reads a piece of an object; JSON is one block, whatever the sizes.

    Raises:
        BadRequest: The file is not what it should be as a whole.
        DeadlineExceeded: There was no time left for all of a compressed file.
        PayloadTooLarge: A record, or the document, is too long.
    """
    match form.format:
        case Format.CSV:
            return _csv(
                _records(_texts(piece, form, deadline), form, sizes, piece.start), form, piece.head, schema
            )
        case Format.JSON_LINES:
            return _lines(_records(_texts(piece, form, deadline), form, sizes, piece.start), schema)
        case Format.JSON:
            return _instances(_texts(piece, form, deadline), schema)
        case Format.NPY:
            return (Read(TableBlock(rows), end) for rows, end in npy_rows(piece, schema, sizes))
        case Format.PARQUET:
            return _tables(parquet_rows(piece, deadline), sizes.records)
        case Format.ARROW:
            return _tables(arrow_rows(piece, deadline), sizes.records)
        case Format.IMAGE:
            raise ValueError("images of a batch are read by their keys")


def read_file(
    file: LocalFile, form: RowFormat, schema: RowSchema, sizes: Sizes, deadline: Deadline
) -> Iterator[Read]:
    """Reads a whole local file of CSV, JSON Lines or Parquet; all blocks of CSV have the same columns.

    Raises:
        BadRequest: The file is not what it should be as a whole.
        PayloadTooLarge: The file, or a record, is too long.
    """
    if form.format is Format.PARQUET:
        return (Read(TableBlock(rows), end) for rows, end in local_parquet_rows(file, sizes, deadline))
    texts = _records(_unmarked(file.blocks()), form, sizes, 0)
    if form.format is Format.JSON_LINES:
        return _lines(texts, schema)
    head = b""
    if not form.header:
        head, texts = _named(texts, form, schema)
    return _csv(texts, form, head, schema)


def is_positioned(form: RowFormat) -> bool:
    """Returns whether reading can begin in the middle of a file."""
    return form.compression is None and form.format is not Format.JSON


def _texts(piece: Piece, form: RowFormat, deadline: Deadline) -> Iterator[bytes]:
    start, stop = piece.start - piece.offset, piece.end - piece.offset
    plain = decompressed(piece.source.blocks(start, stop), form.compression, _MAX_PLAIN)
    for text in _unmarked(plain) if piece.start == 0 else plain:
        if form.compression and deadline.remaining <= 0:  # of its length nothing is known before
            raise DeadlineExceeded(
                "there was no time left to decompress the file; split it into smaller ones"
            )
        yield text


def _unmarked(texts: Iterator[bytes]) -> Iterator[bytes]:
    """Removes the byte order mark, wherever the first text ends."""
    start = b""
    while len(start) < len(BYTE_ORDER_MARK) and (text := next(texts, b"")):
        start += text
    yield start.removeprefix(BYTE_ORDER_MARK)
    start = text = b""  # some megabytes, which would be held until the end of the file
    yield from texts


def _records(texts: Iterable[bytes], form: RowFormat, sizes: Sizes, start: int) -> Texts:
    """Cuts text at the ends of records."""
    csv = CsvRecords(form.delimiter.encode()) if form.format is Format.CSV else None
    position = start
    for text in chunks(texts, csv.end if csv else end_of_lines, sizes.block, start):
        for some in _few(text, csv.split if csv else _LINE.findall, sizes.records):
            position += len(some)
            yield some, position


def _few(text: bytes, split: Callable[[bytes], list[bytes]], most: int) -> Iterator[bytes]:
    """Cuts text into so many records at most."""
    if len(text) <= most * _SHORTEST:
        yield text
        return
    records = split(text)
    for start in range(0, len(records), most):
        yield b"".join(records[start : start + most])


def _csv(texts: Texts, form: RowFormat, head: bytes, schema: RowSchema) -> Iterator[Read]:
    """Makes blocks of CSV; `head` is a header row that does not stand in the text."""
    records = CsvRecords(form.delimiter.encode())
    found, end = False, 0
    for text, end in texts:
        rest = text
        if form.header and not head:
            first = records.first(text)
            rest = text[len(first) :]
            head = _header_row(first)
        if not is_blank(rest):
            found = True
            yield Read(CsvBlock(rest, head, form, schema), end, end - len(rest) - len(head))
    if form.header and not head:
        raise BadRequest(EMPTY)
    if head and not found:  # the columns are known at least
        yield Read(CsvBlock(b"", head, form, schema), end)


def _header_row(record: bytes) -> bytes:
    """Removes blank lines around a record, and keeps the end of its line if there is one."""
    row = record.strip(b"\r\n")
    return row + b"\n" if row and record.endswith((b"\r", b"\n")) else row


def _named(texts: Texts, form: RowFormat, schema: RowSchema) -> tuple[bytes, Texts]:
    """Makes a header row for text without one, whose columns are those of its first record."""
    records = CsvRecords(form.delimiter.encode())
    for text, end in texts:
        if not is_blank(text):
            names = decode_rows(records.first(text), form, schema).columns
            head = encode_csv({name: [] for name in names}, form._replace(header=True))
            return head, chain([(text, end)], texts)
    return b"", texts


def _lines(texts: Texts, schema: RowSchema) -> Iterator[Read]:
    for text, end in texts:
        if lines := [line for line in text.split(b"\n") if line.strip()]:
            yield Read(LineBlock(lines, schema), end)


def _instances(texts: Iterable[bytes], schema: RowSchema) -> Iterator[Read]:
    document = bytearray()
    for text in texts:
        document += text
        if len(document) > PLAIN_LIMIT.bytes:
            raise PayloadTooLarge(
                f"a JSON document may have {PLAIN_LIMIT.bytes} bytes, as all of it is in memory; "
                "send JSON Lines (.jsonl)"
            )
    if not document.strip():
        raise BadRequest(EMPTY)
    try:
        found = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the file is not valid JSON: {error}") from None
    instances = found.get("instances") if isinstance(found, dict) else found
    if not isinstance(instances, list):
        raise BadRequest('the file holds no rows: expected {"instances": [...]} or a list')
    if instances:
        yield Read(JsonBlock(instances, schema), 0)


def _tables(batches: Batches, most: int) -> Iterator[Read]:
    for batch, end in batches:
        for start in range(0, max(1, batch.num_rows), most):  # one without rows has the columns
            some = batch.slice(start, min(most, batch.num_rows - start))
            columns = dict(zip(some.schema.names, some.columns, strict=True))
            position = end - batch.num_rows + start + some.num_rows
            yield Read(TableBlock(Table(columns, some.num_rows)), position)
