"""Row groups of Parquet files.

Rows of files that are tables: Parquet and Arrow.

Blocks of records of a piece.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson
from arro3.core import RecordBatch
from numpy.lib import format as npy_format

from triptych.aws.objects import ByteRange, ObjectReader
from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, PayloadTooLarge
from triptych.inference.blocks import Block, CsvBlock, LineBlock, TableBlock
from triptych.inference.piece import Piece
from triptych.protocol.compression import PLAIN_LIMIT, decompressed
from triptych.rows.csv import BYTE_ORDER_MARK
from triptych.rows.formats import Format, RowFormat
from triptych.rows.parquet import TableFormat, decoded_batches
from triptych.rows.parquet_footer import MAGIC, TAIL, Footer, footer_length, read_footer
from triptych.rows.records import CsvRecords, chunks, end_of_lines, is_blank
from triptych.rows.schema import RowSchema
from triptych.rows.table import EMPTY, Table
from triptych.rows.tensors import arrow_of

_PROBE = 2**16  # bytes that most footers fit into


def footer_of(source: ObjectReader) -> Footer:
    """Reads the footer of a file.

    Raises:
        BadRequest: It is no Parquet file, or damaged.
    """
    size = source.size
    tail = source.read(max(0, size - _PROBE), size)
    length = footer_length(tail, size)
    if length + TAIL > len(tail):
        tail = source.read(size - TAIL - length, size)
    return read_footer(tail[-TAIL - length : -TAIL], size)


def group_cuts(footer: Footer, size: int) -> list[int]:
    """Finds rows at which to cut, between row groups, so that chunks have about this many bytes."""
    cuts: list[int] = []
    taken = 0
    for group in footer.groups:
        if taken >= size and group.rows:
            cuts.append(group.first)
            taken = 0
        taken += group.end - group.start
    return cuts


_DECODED = 64 * 2**20  # bytes of cells of a batch


def parquet_rows(piece: Piece, deadline: Deadline) -> Iterator[tuple[RecordBatch, int]]:
    """Reads the rows of a piece, of nothing but the row groups that they are in.

    Yields:
        Rows, and the position after the last of them; first no rows, for the columns.

    Raises:
        BadRequest: The file is not readable.
        PayloadTooLarge: Its rows are too large, or the disk is too small.
    """
    footer = footer_of(piece.source)
    numbers = [
        number
        for number, group in enumerate(footer.groups)
        if group.first < piece.end and piece.start < group.first + group.rows
    ]
    wanted = footer.groups[numbers[0] : numbers[-1] + 1] if numbers else ()
    end = footer.only(numbers[0], numbers[-1]) if numbers else footer.only(0, -1)
    ranges = [ByteRange(0, len(MAGIC)), *(ByteRange(group.start, group.end) for group in wanted)]
    with _cut(piece, ranges, end) as path:
        yield from _within(piece, path, Format.PARQUET, wanted[0].first if wanted else piece.start, deadline)


def arrow_rows(piece: Piece, deadline: Deadline) -> Iterator[tuple[RecordBatch, int]]:
    """Reads the rows of a piece of an Arrow file or stream; yields and raises what `parquet_rows` does."""
    if piece.source.size == 0:
        raise BadRequest("the file is empty; an Arrow file has a schema at least")
    with piece.source.local() as path:
        yield from _within(piece, path, Format.ARROW, 0, deadline)


@contextmanager
def _cut(piece: Piece, ranges: list[ByteRange], end: bytes) -> Generator[Path]:
    """Gives a file of just some row groups: holes between them, and a footer of their own."""
    with piece.source.local(ranges) as path:
        with path.open("r+b") as file:
            file.truncate(max(span.stop for span in ranges))
            file.seek(0, 2)
            file.write(end)
        yield path


def _within(
    piece: Piece, path: Path, kind: TableFormat, first: int, deadline: Deadline
) -> Iterator[tuple[RecordBatch, int]]:
    position = first
    for batch in decoded_batches(path, _DECODED, deadline.remaining, kind):
        before, position = position, position + batch.num_rows
        start, stop = max(piece.start, before), min(piece.end, position)
        if not batch.num_rows:
            yield batch, piece.start
        elif start < stop:
            yield batch.slice(start - before, stop - start), stop
        if position >= piece.end:
            return


_MAX_PLAIN = 2**50
_SHORTEST = 2  # bytes of a record of text, its newline included


class Read(NamedTuple):
    """A block that was read.

    Attributes:
        block: The records.
        end: Position after the last one.
    """

    block: Block
    end: int


class BlockSize(NamedTuple):
    """How large blocks are, at most; but for JSON, which is one block.

    Attributes:
        size: Bytes, of all formats but Parquet and Arrow.
        records: How many records.
    """

    size: int
    records: int = 2**62

    @property
    def text(self) -> int:
        """Bytes of a block of text."""
        return min(self.size, self.records * _SHORTEST)


def blocks(piece: Piece, schema: RowSchema, size: BlockSize, deadline: Deadline) -> Iterator[Read]:
    """Reads a piece.

    Args:
        piece: What to read.
        schema: What rows for the model look like.
        size: How large blocks are.
        deadline: When decoding must have ended.

    Raises:
        BadRequest: The file is not what it should be as a whole.
        DeadlineExceeded: There was no time left for all of a compressed file.
        PayloadTooLarge: A record, or the document, is too long.
    """
    match piece.form.format:
        case Format.CSV:
            return _csv(piece, schema, size.text, deadline)
        case Format.JSON_LINES:
            return _lines(piece, schema, size.text, deadline)
        case Format.JSON:
            return _instances(piece, schema, deadline)
        case Format.NPY:
            return _npy(piece, schema, size)
        case Format.PARQUET:
            return _tables(parquet_rows(piece, deadline), size.records)
        case Format.ARROW:
            return _tables(arrow_rows(piece, deadline), size.records)


def _texts(piece: Piece, deadline: Deadline) -> Iterator[bytes]:
    start, stop = piece.start - piece.offset, piece.end - piece.offset
    plain = decompressed(piece.source.blocks(start, stop), piece.form.compression, _MAX_PLAIN)
    for text in _unmarked(plain) if piece.start == 0 else plain:
        if piece.form.compression and deadline.remaining <= 0:  # of its length nothing is known before
            raise DeadlineExceeded(
                "there was no time left to decompress the file; split it into smaller ones"
            )
        yield text


def _unmarked(texts: Iterator[bytes]) -> Iterator[bytes]:
    """Takes the byte order mark away, wherever the first text ends."""
    start = b""
    while len(start) < len(BYTE_ORDER_MARK) and (text := next(texts, b"")):
        start += text
    yield start.removeprefix(BYTE_ORDER_MARK)
    yield from texts


def _csv(piece: Piece, schema: RowSchema, size: int, deadline: Deadline) -> Iterator[Read]:
    records = CsvRecords(piece.form.delimiter.encode())
    form, head = piece.form, piece.head
    found = False
    for text, end in _ended(piece, chunks(_texts(piece, deadline), records.end, size)):
        rest = text
        if piece.form.header and not head:
            head = records.first(text)
            rest = text[len(head) :]
            head = row + b"\n" if (row := head.strip(b"\r\n")) else b""
        if not is_blank(rest):
            found = True
            yield Read(CsvBlock(rest, head if piece.form.header else b"", form, schema), end)
    if piece.form.header and not head:
        raise BadRequest(EMPTY)
    if head and not found:  # it tells the columns at least
        yield Read(CsvBlock(b"", head, form, schema), piece.end)


def _lines(piece: Piece, schema: RowSchema, size: int, deadline: Deadline) -> Iterator[Read]:
    for text, end in _ended(piece, chunks(_texts(piece, deadline), end_of_lines, size)):
        if text.strip():
            yield Read(LineBlock(text, schema), end)


def _ended(piece: Piece, texts: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Tells where each text ends; of compressed files only the last end is a position."""
    position = piece.start
    for text in texts:
        position += len(text)
        yield text, position if piece.form.compression is None else piece.start


def _instances(piece: Piece, schema: RowSchema, deadline: Deadline) -> Generator[Read]:
    document = bytearray()
    for text in _texts(piece, deadline):
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
        yield Read(LineBlock(b"\n".join(map(orjson.dumps, instances)), schema), piece.end)


def _tables(rows: Iterable[tuple[RecordBatch, int]], most: int) -> Iterator[Read]:
    for batch, end in rows:
        for start in range(0, max(1, batch.num_rows), most):  # one without rows tells the columns
            some = batch.slice(start, min(most, batch.num_rows - start))
            columns = dict(zip(some.schema.names, some.columns, strict=True))
            position = end - batch.num_rows + start + some.num_rows
            yield Read(TableBlock(Table(columns, some.num_rows)), position)


def _npy(piece: Piece, schema: RowSchema, size: BlockSize) -> Generator[Read]:
    head = piece.head or piece.source.read(0, min(piece.source.size, 2**16))
    file = io.BytesIO(head)
    version = npy_format.read_magic(file)
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    shape, _, dtype = read(file)
    if schema.only_input is None:
        raise BadRequest(
            "the model has several inputs, and .npy holds a single array; send Parquet or JSON Lines"
        )
    if dtype.kind not in "biuf":
        raise BadRequest(f"the .npy file holds {dtype}, and only numbers are read")
    row_bytes = dtype.itemsize * int(np.prod(shape[1:]))
    rows = max(1, min(size.size // max(1, row_bytes), size.records))
    for start in range(piece.start, piece.end, rows):
        stop = min(start + rows, piece.end)
        data = piece.source.read(file.tell() + start * row_bytes, file.tell() + stop * row_bytes)
        values = np.frombuffer(data, dtype).reshape(stop - start, *shape[1:])
        column = arrow_of(values.astype(dtype.newbyteorder("="), copy=False))
        yield Read(TableBlock(Table({schema.only_input.name: column}, stop - start)), stop)


def is_positioned(form: RowFormat) -> bool:
    """Tells whether reading can begin in the middle."""
    return form.compression is None and form.format is not Format.JSON
