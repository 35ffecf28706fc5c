"""How fast predictions are written to the table that they are looked up in."""

from __future__ import annotations

from typing import NamedTuple


class LookupRate(NamedTuple):
    """Writes a second of a whole stack, and how many workers share them.

    One half is for dropped files, the other for the chunks of a batch of the state machine. Batches that run
    at the same time do not know of each other: what is too much then, the table throttles.

    Attributes:
        total: Writes a second.
        uploads: Dropped files that are transformed at once, at most.
        chunks: Chunks of a batch that are transformed at once, at most.
    """

    total: float
    uploads: int
    chunks: int

    def of_upload(self) -> float:
        """Writes a second of a worker that transforms a dropped file."""
        return self.total / 2 / self.uploads

    def of_chunk(self, chunks: int | None) -> float:
        """Writes a second of a worker that transforms a chunk.

        Args:
            chunks: How many the batch has; None where that is not known.
        """
        return self.total / 2 / max(1, min(self.chunks, self.chunks if chunks is None else chunks))
