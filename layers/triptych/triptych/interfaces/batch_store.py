"""Where the records of batches are kept.

Every method raises `ServiceUnavailable` when it cannot be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from triptych.batches.batch import Batch
from triptych.batches.file import FileOutcome, Part


class BatchPage(NamedTuple):
    """Some batches, and where to go on.

    Attributes:
        batches: The batches.
        next: What asks for the page after this one; None when there is none.
    """

    batches: Sequence[Batch]
    next: str | None


class BatchStore(Protocol):
    """Keeps batches, their parts and what became of their files. Reads give what was written last."""

    def get(self, batch_id: str) -> Batch | None:
        """Gives a record; None when there is none."""
        ...

    def add(self, batch: Batch) -> bool:
        """Keeps a new record; False, and nothing is done, when there is one with its id."""
        ...

    def replace(self, batch: Batch) -> bool:
        """Puts a record in place of its last revision; False, and nothing is done, when that is not there."""
        ...

    def newest(self, *, after: str | None, limit: int) -> BatchPage:
        """Lists records, newest first.

        Args:
            after: `next` of the page before.
            limit: At most so many.

        Raises:
            BadRequest: `after` is not what a page gave.
        """
        ...

    def add_part(self, batch_id: str, part: Part) -> bool:
        """Keeps a part; False, and nothing is done, when there is one of its file with its start."""
        ...

    def part(self, batch_id: str, file: int, start: int) -> Part | None:
        """Gives the part of a file that begins at a position; None when there is none."""
        ...

    def parts(self, batch_id: str, file: int | None = None) -> Sequence[Part]:
        """Lists the parts of a file, or of all files, by file and start."""
        ...

    def add_outcome(self, batch_id: str, outcome: FileOutcome) -> bool:
        """Keeps what became of a file; False, and nothing is done, when that is known."""
        ...

    def outcome(self, batch_id: str, number: int) -> FileOutcome | None:
        """Returns what became of one file; None while that is not known."""
        ...

    def outcomes(self, batch_id: str) -> Sequence[FileOutcome]:
        """Lists what became of the files of a batch, by number."""
        ...

    def forget_outcomes(self, batch_id: str) -> None:
        """Removes the outcomes of files that failed for a reason that may pass: they are made again."""
        ...

    def count_attempt(self, batch_id: str, file: int, start: int) -> int:
        """Counts that a chunk is begun, and gives how often it was, this time included."""
        ...
