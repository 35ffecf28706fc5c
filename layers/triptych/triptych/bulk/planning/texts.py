"""Plain text cut at the ends of records."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from triptych.batches.form import FileForm, FileFormat
from triptych.bulk.planning.scanner import CsvScanner, LineScanner, Scanner, check_length
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.objects import ObjectReader

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_PROBE = 2**16  # bytes that are read at once near a cut
_SLICE = 2**20  # bytes that are scanned at once: what is known of them fits the processor's cache


class Beginning(Exception):
    """The text ended before its first record did."""


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


def text_start(source: ObjectReader) -> int:
    """Tells where the text begins: behind a byte order mark."""
    beginning = source.read(0, min(len(BYTE_ORDER_MARK), source.size))
    return len(BYTE_ORDER_MARK) if beginning == BYTE_ORDER_MARK else 0


def line_cuts(source: ObjectReader, start: int, size: int, checkpoint: Callable[[], None]) -> Iterator[int]:
    """Finds ends of lines, about `size` bytes apart, with a small read near each.

    Raises:
        BadRequest: A line is too long.
    """
    position = start
    while position + size < source.size:
        checkpoint()
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


def csv_header(source: ObjectReader, form: FileForm, start: int) -> bytes:
    """Reads up to the end of the first record that is not blank, with the newlines around it."""
    scanner, text, least = CsvScanner(form.delimiter.encode(), start), bytearray(), 0
    for block in _growing(source, start):
        scanner.feed(block)
        text += block
        least = least or _first_byte(text, start)
        end = scanner.end(least + 1) if least else None
        if end is not None:
            return bytes(text[: end - start])
    return bytes(text)


def csv_cuts(
    source: ObjectReader,
    form: FileForm,
    start: int,
    size: int,
    deadline: Deadline,
    checkpoint: Callable[[], None],
) -> Iterator[int]:
    """Finds ends of records of CSV, about `size` bytes apart, in one pass over the file.

    Raises:
        BadRequest: A record is too long.
        DeadlineExceeded: There is no more time.
    """
    scanner, position = scanner_of(form, start), start
    if start + size >= source.size:
        return
    for block in sliced(source.blocks(start, source.size)):
        checkpoint()
        deadline.check("looking for the ends of records; split the file")
        scanner.feed(block)
        while (end := scanner.end(position + size)) is not None:
            yield end
            position = end


def _growing(source: ObjectReader, start: int) -> Iterator[bytes]:
    length = _PROBE
    while start < source.size:
        yield source.read(start, min(start + length, source.size))
        start += length
        length *= 2


def _first_byte(text: bytearray, start: int) -> int:
    """Gives the position of the first byte that is no newline, plus what it takes to be never 0."""
    blank = len(text) - len(text.lstrip(b"\r\n"))
    return start + blank + 1 if blank < len(text) else 0
