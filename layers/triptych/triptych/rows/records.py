"""Text cut into chunks at the ends of records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from triptych.errors import PayloadTooLarge

MAX_RECORD = 16 * 2**20
"""Bytes that one record may have."""

Cut = Callable[[bytes], int]
"""Returns where the last whole record of a text ends; 0 where none does."""


def csv_cell(delimiter: bytes) -> bytes:
    """Returns the pattern of a cell: a quote opens one only where it begins, and is a character elsewhere."""
    return rb'(?:"(?:[^"]++|"")*+"?)?+[^' + re.escape(delimiter) + rb"\r\n]*+"


class CsvRecords:
    """Finds the records of CSV, whose cells are separated by one byte."""

    def __init__(self, delimiter: bytes = b",") -> None:
        between, cell = re.escape(delimiter), csv_cell(delimiter)
        self._record = rb"(?:" + cell + between + rb")*+" + cell
        self._records = re.compile(rb"(?:" + self._record + rb"[\r\n]++)*+")
        self._one = re.compile(rb"[\r\n]*+" + self._record + rb"[\r\n]*+")

    def end(self, text: bytes) -> int:
        """Cuts at the last newline that is not within quotes."""
        if b'"' not in text:
            return max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
        match = self._records.match(text)
        return match.end() if match else 0

    def first(self, text: bytes) -> bytes:
        """Returns the first record that is not blank, with the newlines around it."""
        match = self._one.match(text)
        return match.group() if match else b""

    def split(self, text: bytes) -> list[bytes]:
        """Returns the records that are not blank, each with the newlines around it."""
        return [match.group() for match in self._one.finditer(text) if match.group().strip(b"\r\n")]


_BLANK = re.compile(rb"[\r\n]*+")


def end_of_lines(text: bytes) -> int:
    """Cuts at the last line feed."""
    return text.rfind(b"\n") + 1


def is_blank(text: bytes) -> bool:
    """Returns whether there is nothing but newlines."""
    return _BLANK.fullmatch(text) is not None


def chunks(blocks: Iterable[bytes], cut: Cut, size: int, start: int = 0) -> Iterator[bytes]:
    """Cuts text at the ends of records.

    Args:
        blocks: The text, in pieces of any length.
        cut: Finds the end of the last whole record.
        size: Bytes of a chunk, about: only a record that is longer makes a longer one.
        start: Where the text begins in the file, for messages.

    Yields:
        One or more whole records; the last chunk also what follows the last newline.

    Raises:
        PayloadTooLarge: A record is longer than `MAX_RECORD`.
    """
    held: list[bytes | memoryview] = []
    length, needed = 0, size
    for block in _views(blocks, size):
        held.append(block)
        length += len(block)
        if length < needed:
            continue
        text = b"".join(held)
        end = cut(text)
        if end:
            yield text[:end]
        elif length > MAX_RECORD:
            raise PayloadTooLarge(
                f"the record that begins at byte {start} has more than {MAX_RECORD} bytes; "
                "is a quote left open?"
            )
        held = [text[end:]]
        start += end
        length -= end
        needed = size if end else 2 * length
    if length:
        yield b"".join(held)


def _views(blocks: Iterable[bytes], size: int) -> Iterator[memoryview]:
    """Yields at most `size` bytes at once, whatever the blocks have, and copies nothing."""
    for block in blocks:
        view = memoryview(block)
        for start in range(0, len(view), size):
            yield view[start : start + size]
