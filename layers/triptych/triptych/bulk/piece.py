"""What of a file is transformed in one go, how, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from triptych.batches.batch import Counts
from triptych.batches.form import FileForm
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.objects import ObjectReader
from triptych.interfaces.predictions import Prediction


class Piece(NamedTuple):
    """Records of a file that follow each other.

    Attributes:
        source: The file, or a plain copy of these records.
        form: How it is written.
        start: Position of the first record, as `Chunk` has positions.
        end: Position after the last one. For compressed files, JSON, Arrow: 0 to the end of everything.
        head: The header row of CSV or the header of .npy, where it does not stand at `start`.
        offset: Position of the source's first byte; 0 unless it is a copy.
    """

    source: ObjectReader
    form: FileForm
    start: int
    end: int
    head: bytes = b""
    offset: int = 0


class Wanted(NamedTuple):
    """What is wanted of the records.

    Attributes:
        form: How the output is written.
        join: `all`, `none` or names of columns with commas between.
        outputs: Names of outputs with commas between; None for all.
        key: Column that identifies a record for lookups; None when there are none.
    """

    form: FileForm
    join: str = "none"
    outputs: str | None = None
    key: str | None = None


class Writable(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> int:
        """Adds bytes."""
        ...


class Sinks(NamedTuple):
    """Where what is made goes.

    Attributes:
        output: Takes rows: the body only, as `bulk.framing` gives head and tail.
        errors: Takes failed records as JSON Lines, numbered from 1.
        predictions: Takes predictions by key.
    """

    output: Writable
    errors: Writable
    predictions: Callable[[Sequence[Prediction]], None]


class Watch(NamedTuple):
    """When to stop.

    Attributes:
        deadline: When the last run must have ended; enough time to finish writing is kept beyond it.
        checkpoint: Is called again and again, and may raise what shall end this.
        share: Part of the piece after which to stop at the next end of a record: less than 1 after a
            process ended while it was transforming it.
    """

    deadline: Deadline
    checkpoint: Callable[[], None]
    share: float = 1.0


class Report(NamedTuple):
    """What came of a piece.

    Attributes:
        end: Position after the last record that was dealt with; less than the piece's when time was up.
        counts: How many records.
        columns: Names of the columns of the output.
        layout: What all pieces of the file must have in common beside the columns.
        run_nanoseconds: How long the model ran.
    """

    end: int
    counts: Counts
    columns: tuple[str, ...]
    layout: str
    run_nanoseconds: int
