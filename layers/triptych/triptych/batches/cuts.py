"""Plain text cut at the ends of records.

Rows of .npy.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from triptych.aws.stored import ObjectReader
from triptych.batches.scanner import CsvScanner, LineScanner, Scanner, check_length
from triptych.errors import BadRequest
from triptych.rows.formats import Format, RowFormat

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_PROBE = 2**16  # bytes that are read at once near a cut
_SLICE = 2**20  # bytes that are scanned at once: what is known of them fits the processor's cache


class Beginning(NamedTuple):
    """What stands before the first record.

    Attributes:
        end: Position of the first record.
        head: The header row, with the newlines around it.
        rest: What has been read beyond it.
    """

    end: int
    head: bytes
    rest: bytes


def scanner_of(form: RowFormat, position: int) -> Scanner:
    """Gives what finds ends of records."""
    if form.format is Format.CSV:
        return CsvScanner(form.delimiter.encode(), position)
    return LineScanner(position)


def sliced(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Cuts blocks into slices that are scanned fast and with little memory."""
    for block in blocks:
        for start in range(0, len(block), _SLICE):
            yield block[start : start + _SLICE]


def beginning(blocks: Iterator[bytes], form: RowFormat) -> Beginning:
    """Reads up to the end of the header row, the first record that is not blank.

    Args:
        blocks: The text; no more of it is taken than it needs.
        form: Whether there is a header row.

    Raises:
        BadRequest: The header row is too long.
    """
    text = b""
    while len(text) < len(BYTE_ORDER_MARK) and (block := next(blocks, b"")):
        text += block
    start = len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0
    head = text[start:]
    if form.format is not Format.CSV or not form.header:
        return Beginning(start, b"", head)
    scanner, block = scanner_of(form, start), head
    while block:
        scanner.feed(block)
        blank = len(head) - len(head.lstrip(b"\r\n"))
        if blank < len(head) and (end := scanner.end(start + blank + 1)) is not None:
            return Beginning(end, head[: end - start], head[end - start :])
        block = next(blocks, b"")
        head += block
    return Beginning(start + len(head), head, b"")


def header_row(head: bytes) -> str:
    """Gives the header row with one newline, as it travels in a chunk."""
    row = head.strip(b"\r\n")
    return (row + b"\n").decode("latin-1") if row else ""


def growing(source: ObjectReader) -> Iterator[bytes]:
    """Reads little first, then more and more."""
    start, length = 0, _PROBE
    while start < source.size:
        yield source.read(start, min(start + length, source.size))
        start += length
        length *= 2


def line_cuts(source: ObjectReader, start: int, size: int, tick: Callable[[], None]) -> Iterator[int]:
    """Finds ends of lines, about `size` bytes apart, with a small read near each.

    Raises:
        BadRequest: A line is too long.
    """
    position = start
    while position + size < source.size:
        tick()
        position = _line_end(source, position + size)
        if position < source.size:
            yield position


def _line_end(source: ObjectReader, least: int) -> int:
    """Finds the first end of a line that is not before `least`."""
    length, start = _PROBE, least - 1
    while start < source.size:
        found = source.read(start, min(start + length, source.size)).find(b"\n")
        if found >= 0:
            return start + found + 1
        start += length
        check_length(least, min(start, source.size))
        length *= 2
    return source.size


def csv_cuts(
    source: ObjectReader, form: RowFormat, start: int, size: int, tick: Callable[[], None]
) -> Iterator[int]:
    """Finds ends of records of CSV, about `size` bytes apart, in one pass over the file.

    Raises:
        BadRequest: A record is too long.
    """
    scanner, position = scanner_of(form, start), start
    if start + size >= source.size:
        return
    for block in sliced(source.blocks(start, source.size)):
        tick()
        scanner.feed(block)
        while (end := scanner.end(position + size)) is not None:
            yield end
            position = end


_HEADER = 2**16  # bytes; headers of arrays of numbers have some hundred at most


class NpyLayout(NamedTuple):
    """Where rows are.

    Attributes:
        head: The header.
        rows: How many rows there are.
        row_bytes: Bytes of each.
    """

    head: bytes
    rows: int
    row_bytes: int


def npy_layout(source: ObjectReader) -> NpyLayout:
    """Reads the header of a .npy file.

    Raises:
        BadRequest: It is not one, its length is not what its header says, or it holds anything but rows
            of numbers, one after the other.
    """
    file = io.BytesIO(source.read(0, min(_HEADER, source.size)))
    try:
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError, SyntaxError) as error:
        raise BadRequest(f"the file is not readable as .npy: {error}") from None
    _check(shape, dtype, fortran=fortran)
    head, row_bytes = file.getvalue()[: file.tell()], dtype.itemsize * int(np.prod(shape[1:], dtype=object))
    expected = len(head) + shape[0] * row_bytes
    if source.size != expected:
        raise BadRequest(f"the .npy file must have {expected} bytes as its header says; it has {source.size}")
    return NpyLayout(head, shape[0], row_bytes)


def _check(shape: tuple[int, ...], dtype: np.dtype[np.generic], *, fortran: bool) -> None:
    if dtype.hasobject:
        raise BadRequest("the .npy file holds Python objects, which are not read; save it as numbers or text")
    if not shape:
        raise BadRequest("the .npy file holds a single value; save an array of rows")
    if fortran and len(shape) > 1:
        raise BadRequest(
            "the .npy file is in Fortran order, whose rows are not in one piece; "
            "save it with numpy.save(file, numpy.ascontiguousarray(array))"
        )
