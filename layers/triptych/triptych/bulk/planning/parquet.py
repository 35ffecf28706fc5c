"""Row groups of Parquet files."""

from __future__ import annotations

from triptych.interfaces.objects import ObjectReader
from triptych.tables.parquet_footer import TAIL, Footer, footer_length, read_footer

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
