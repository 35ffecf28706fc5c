"""Watching batches."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from triptych.batches.batch import Batch, Counts
from triptych.batches.file import FileOutcome, InputFile


class ChunkRun(NamedTuple):
    """A chunk, or the beginning of one, that was transformed.

    Attributes:
        file: The file that it is of.
        counts: How many records.
        milliseconds: How long it took.
        run_milliseconds: How long of that the model ran.
        peak_bytes: Most memory that the process had by then.
        done: Whether nothing is left of the chunk.
    """

    file: InputFile
    counts: Counts
    milliseconds: int
    run_milliseconds: int
    peak_bytes: int
    done: bool


class BatchObserver(Protocol):
    """Makes logs and metrics of what becomes of batches."""

    def batch_accepted(self, batch: Batch) -> None:
        """A batch was accepted."""
        ...

    def chunk_ran(self, batch_id: str, run: ChunkRun) -> None:
        """A chunk, or the beginning of one, was transformed."""
        ...

    def file_ended(self, batch: Batch, outcome: FileOutcome) -> None:
        """A file is done, or has failed."""
        ...

    def batch_ended(self, batch: Batch) -> None:
        """A batch is in its final state."""
        ...

    def messages_ended(self, messages: int, postponed: int) -> None:
        """Messages about uploads were dealt with, and some of them come again."""
        ...

    def unexpected(self, error: Exception) -> None:
        """Something failed that should not: the log tells where."""
        ...
