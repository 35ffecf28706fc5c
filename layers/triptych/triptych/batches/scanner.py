"""Records in text that comes block by block: where the first one begins, and where each ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from triptych.errors import BadRequest
from triptych.rows.csv import BYTE_ORDER_MARK
from triptych.rows.formats import Format, RowFormat
from triptych.rows.records import MAX_RECORD

_SLICE = 2**20  # bytes that are scanned at once: what is known of them fits the processor's cache
_INSIDE = b'\n"'
_CLOSED = b'\n""'
_WITHIN_CELL = b"\xff"  # no delimiter: it is in no UTF-8 text
_NEXT = re.compile(rb"[\r\n]++[^\r\n]")
_QUOTED = re.compile(
    rb"[13](?:[23].)*+.?"
)  # of signs for quotes: 1 may open a cell, 2 is followed by another
_NONE = np.empty(0, np.intp)

Positions = npt.NDArray[np.intp]


class Scanner(Protocol):
    """Finds ends of records; positions are bytes from the beginning of the text."""

    def feed(self, block: bytes) -> None:
        """Reads the next bytes, and forgets those before; raises `BadRequest` for too long a record."""
        ...

    def end(self, least: int) -> int | None:
        """Returns the first end of a record in these bytes that is not before `least`; None without one."""
        ...


class LineScanner:
    """Lines."""

    def __init__(self, position: int) -> None:
        self._block = b""
        self._base = self._record = position

    def feed(self, block: bytes) -> None:
        """Reads the next bytes; see `Scanner`."""
        self._base += len(self._block)
        self._block = block
        if last := block.rfind(b"\n") + 1:
            self._record = self._base + last
        check_length(self._record, self._base + len(block))

    def end(self, least: int) -> int | None:
        """Finds an end; see `Scanner`."""
        found = self._block.find(b"\n", max(0, least - 1 - self._base)) + 1
        return self._base + found if found else None


class CsvScanner:
    """Records of CSV, with newlines within quotes.

    A quote opens a quoted cell only where a cell begins; elsewhere it is a character like any other. Each
    block is read behind a few bytes that stand for all text before it.
    """

    def __init__(self, delimiter: bytes, position: int) -> None:
        self._starts = delimiter + b"\r\n"
        self._text = b"\n"
        self._base = self._record = position
        self._prefix = 1
        self._toggles = _NONE

    def feed(self, block: bytes) -> None:
        """Reads the next bytes; see `Scanner`."""
        if not block:
            return
        before = self._state()
        self._base += len(self._text) - self._prefix
        self._prefix = len(before)
        self._text = before + block
        self._toggles = self._quotes() if b'"' in self._text else _NONE
        if (last := self._last_newline()) >= self._prefix:
            self._record = self._base + last + 1 - self._prefix
        check_length(self._record, self._base + len(block))

    def end(self, least: int) -> int | None:
        """Finds an end, behind all newlines that follow each other; see `Scanner`."""
        start = max(least - 1 - self._base, -1) + self._prefix
        while found := _NEXT.search(self._text, start):
            toggles = int(self._toggles.searchsorted(found.start()))
            if toggles % 2 == 0:
                return self._base + found.end() - 1 - self._prefix
            if toggles == len(self._toggles):
                return None
            start = int(self._toggles[toggles]) + 1
        return None

    def _state(self) -> bytes:
        """Returns bytes that stand for all text so far."""
        last = len(self._text) - 1
        if len(self._toggles) % 2:
            return _INSIDE
        if self._text[last] in self._starts:
            return self._text[last:]
        closed = len(self._toggles) and self._toggles[-1] == last
        return _CLOSED if closed else _WITHIN_CELL

    def _quotes(self) -> Positions:
        """Finds the quotes that open and close cells; a doubled one closes and opens again."""
        codes = np.frombuffer(self._text, np.uint8)
        quotes = np.flatnonzero(codes == ord('"'))
        before = codes[quotes[::2] - 1]
        may_open = np.zeros(256, np.bool_)
        may_open[[*self._starts, ord('"')]] = True
        if quotes[0] and may_open[before].all():
            return quotes
        opening = np.isin(codes[quotes - 1], np.frombuffer(self._starts, np.uint8)) & (quotes > 0)
        return _toggles(quotes, opening)

    def _last_newline(self) -> int:
        """Finds the last newline outside of quotes; -1 without one."""
        stop = len(self._text)
        while stop > 0:
            found = max(self._text.rfind(b"\n", 0, stop), self._text.rfind(b"\r", 0, stop))
            toggles = int(self._toggles.searchsorted(found))
            if found < 0 or toggles % 2 == 0:
                return found
            stop = int(self._toggles[toggles - 1])
        return -1


def check_length(start: int, end: int) -> None:
    """Raises `BadRequest` if what stands between two positions is too long for one record."""
    if end - start > MAX_RECORD:
        raise BadRequest(
            f"the record that begins at byte {start} has more than {MAX_RECORD} bytes; is a quote left open?"
        )


def _toggles(quotes: Positions, opening: npt.NDArray[np.bool_]) -> Positions:
    """Picks the quotes that open and close cells where others are characters like any other."""
    doubled = np.diff(quotes, append=-1) == 1
    signs = (ord("0") + opening + 2 * doubled).astype(np.uint8).tobytes()
    spans = np.array([found.span() for found in _QUOTED.finditer(signs)], np.intp).reshape(-1, 2)
    lengths = spans[:, 1] - spans[:, 0]
    spans[:, 1] -= 1
    picked = spans.ravel()
    return quotes[picked[:-1] if len(lengths) and lengths[-1] % 2 else picked]


class Beginning(NamedTuple):
    """Position of the first record, the header row with newlines around it, and what was read beyond."""

    end: int
    head: bytes
    rest: bytes


def scanner_of(form: RowFormat, position: int) -> Scanner:
    """Returns what finds ends of records."""
    if form.format is Format.CSV:
        return CsvScanner(form.delimiter.encode(), position)
    return LineScanner(position)


def sliced(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Cuts blocks into slices that are scanned fast and with little memory."""
    for block in blocks:
        for start in range(0, len(block), _SLICE):
            yield block[start : start + _SLICE]


def beginning(blocks: Iterator[bytes], form: RowFormat) -> Beginning:
    """Reads up to the end of the header row, the first record that is not blank, and takes no more."""
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
    """Returns the header row with one newline, as it travels in a chunk."""
    row = head.strip(b"\r\n")
    return (row + b"\n").decode("latin-1") if row else ""
