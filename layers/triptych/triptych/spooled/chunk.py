"""Some rows of a file that has more."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from triptych.errors import NotUtf8, RowError
from triptych.rows.table import Table


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
    """Gives errors about a row of a chunk the number that the row has in the file.

    Args:
        rows: How many rows stand before the chunk.
        offset: How many bytes do.
    """
    try:
        yield
    except RowError as error:
        raise error.after(rows) from error
    except NotUtf8 as error:
        raise NotUtf8(error.byte + offset) from error
