"""What of a file is transformed in one go, where the results go, and how many there were."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from triptych.protocol.tensors import Array


class Prediction(NamedTuple):
    """What was predicted for one record.

    Attributes:
        row: The predicted row: the columns of the output by name.
        labels: Names of the entries of columns that are lists, by column.
    """

    key: str
    row: Mapping[str, Any]
    labels: Mapping[str, Sequence[str]] = MappingProxyType({})


class Source(Protocol):
    """One generation of a file, wherever it is: an object of S3, or a file on the disk."""

    @property
    def size(self) -> int:
        """Bytes of the file."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """Reads some bytes; fewer where the file ends before."""
        ...

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Reads some bytes in blocks of some megabytes."""
        ...

    def local(self, ranges: Sequence[range] | None = None) -> AbstractContextManager[Path]:
        """Copies these ranges into a file of the same size, where they belong; None for all bytes."""
        ...


class Piece(NamedTuple):
    """Records of a file that follow each other.

    Attributes:
        start: Position of the first record, as `Chunk` has positions.
        end: Position after the last one. For compressed files, JSON, Arrow: 0 to the end of everything.
        head: The header row of CSV or the header of .npy, where it does not stand at `start`.
        offset: Position of the source's first byte; 0 unless it is a copy.
        images: Reads images that cells of shape `[rows]` name; None where cells hold all there is.
    """

    source: Source
    start: int
    end: int
    head: bytes = b""
    offset: int = 0
    images: Callable[[Array], Array] | None = None


class Writable(Protocol):
    """A file or an object that is being written."""

    def write(self, data: bytes, /) -> int:
        """Adds bytes."""
        ...


class Lookups(NamedTuple):
    """The column that identifies a record, and what stores predictions under it."""

    key: str
    put: Callable[[Sequence[Prediction]], None]


class Sinks(NamedTuple):
    """What the results are written to.

    Attributes:
        output: Gets the rows, without what stands before and after them in a file: see `output.head`.
        errors: Gets failed records as JSON Lines, numbered from 1.
        lookups: Gets predictions by key; None where none are looked up.
    """

    output: Writable
    errors: Writable
    lookups: Lookups | None = None


class Counts(NamedTuple):
    """How many records were read, written or failed, and how many of their cells were filled in.

    Attributes:
        failed: That have no prediction; `read` is the sum of the other two.
        filled: Missing cells of written records that took the value for missing cells.
    """

    read: int = 0
    written: int = 0
    failed: int = 0
    filled: int = 0

    def __add__(self, other: object) -> Counts:
        """Adds those of another part."""
        if not isinstance(other, Counts):
            return NotImplemented
        return Counts(*map(operator.add, self, other))

    def described(self) -> dict[str, object]:
        """Describes them in JSON; cells that were filled in appear only where there are some."""
        described: dict[str, object] = {
            "records": {"read": self.read, "written": self.written, "failed": self.failed}
        }
        return described | ({"filled_cells": self.filled} if self.filled else {})


class Report(NamedTuple):
    """What came of a piece.

    Attributes:
        end: Position after the last record that was dealt with; less than the piece's when time was up.
        layout: What all pieces of the file must have in common beside the columns.
    """

    end: int
    counts: Counts
    columns: tuple[str, ...]
    layout: str
    run_nanoseconds: int
