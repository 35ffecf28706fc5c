"""Plain text cut at the ends of records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from triptych.batches.form import FileForm, FileFormat
from triptych.bulk.planning.scanner import CsvScanner, LineScanner, Scanner, check_length
from triptych.interfaces.objects import ObjectReader

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


def scanner_of(form: FileForm, position: int) -> Scanner:
    """Gives what finds ends of records."""
    if form.format is FileFormat.CSV:
        return CsvScanner(form.delimiter.encode(), position)
    return LineScanner(position)


def sliced(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Cuts blocks into slices that are scanned fast and with little memory."""
    for block in blocks:
        for start in range(0, len(block), _SLICE):
            yield block[start : start + _SLICE]


def beginning(blocks: Iterator[bytes], form: FileForm) -> Beginning:
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
    if form.format is not FileFormat.CSV or not form.header:
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
    source: ObjectReader, form: FileForm, start: int, size: int, tick: Callable[[], None]
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
