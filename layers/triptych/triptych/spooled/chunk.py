"""Some rows of a file that has more."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from triptych.errors import BadRequest, PayloadTooLarge
from triptych.rows.table import Table

_ROW = re.compile(r"^row (\d+)")
_BYTE = re.compile(r"(?<=^the body is not UTF-8: byte )(\d+)")


class Chunk(NamedTuple):
    """Rows that follow each other.

    Attributes:
        table: The rows.
        before: How many rows stand before them in the file.
    """

    table: Table
    before: int


def with_rows(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Leaves out chunks without rows, unless no chunk has any: then the last one is given."""
    last, found = None, False
    for chunk in chunks:
        if chunk.table.rows:
            found = True
            yield chunk
        last = chunk
    if last is not None and not found:
        yield last


@contextmanager
def located(rows: int, offset: int = 0) -> Generator[None]:
    """Makes errors that tell a row of a chunk tell the row of the file.

    Args:
        rows: How many rows stand before the chunk.
        offset: How many bytes do.
    """
    try:
        yield
    except (BadRequest, PayloadTooLarge) as error:
        message = _ROW.sub(lambda match: f"row {int(match[1]) + rows}", str(error))
        message = _BYTE.sub(lambda match: str(int(match[1]) + offset), message)
        kind = PayloadTooLarge if isinstance(error, PayloadTooLarge) else BadRequest
        raise kind(message) from error
