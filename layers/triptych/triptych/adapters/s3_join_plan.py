"""How pieces of any size become the parts of one upload.

S3 takes 10,000 parts at most, each of 5 MiB to 5 GiB, but the last, which may be small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from triptych.adapters.s3_multipart import MIN_PART

MAX_COPY = 512 << 20
"""Bytes of a part that S3 copies, where few enough of them make the whole: more parts are copied at once."""

MAX_PARTS = 9_000
"""Parts that the pieces are cut into at most; S3 takes some more."""


class Slice(NamedTuple):
    """Bytes of a piece.

    Attributes:
        piece: Which, from 0.
        start: The first byte.
        stop: The one after the last.
    """

    piece: int
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.stop - self.start


type Part = Sequence[Slice]
"""Slices that follow each other; one alone of at least `MIN_PART` bytes can be copied."""


def plan(sizes: Sequence[int], least: int | None = None) -> Iterator[Part]:
    """Cuts pieces into parts that hold all of their bytes in order.

    Args:
        sizes: Bytes of the pieces.
        least: Bytes that every part but the last has; by default as few as S3 takes.

    Yields:
        Parts, none of them empty.
    """
    least = max(MIN_PART, -(-sum(sizes) // MAX_PARTS)) if least is None else least
    gathered: list[Slice] = []
    for piece, size in enumerate(sizes):
        lacking = least - sum(taken.size for taken in gathered) if gathered else 0
        taken = min(lacking, size)
        gathered += _slices(piece, 0, taken, 1)
        if gathered and taken == lacking:
            yield gathered
            gathered = []
        if size - taken >= least:
            large = max(MAX_COPY, 2 * least)  # so that halves of what is a little more are not too small
            for alone in _slices(piece, taken, size, -(-(size - taken) // large)):
                yield [alone]
        else:
            gathered += _slices(piece, taken, size, 1)
    if gathered:
        yield gathered


def _slices(piece: int, start: int, stop: int, count: int) -> list[Slice]:
    """Cuts bytes of a piece into slices of about the same size; none where there are no bytes."""
    bounds = [start + (stop - start) * number // count for number in range(count + 1)]
    return [Slice(piece, first, last) for first, last in pairwise(bounds) if first < last]
