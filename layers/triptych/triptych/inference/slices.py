"""Runs on some rows at a time, as many as memory allows.

```
rows ── slice ── run ─┬─ ok ─────────> results; the next slice is twice as large, up to a limit
                      └─ no memory ──> again with half of it, and never more than that
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import NamedTuple, Protocol

import numpy as np

from triptych.clock import Deadline
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.inference.merging import RowsInteract, agree, run_merged
from triptych.inference.request import Prepared
from triptych.models.model import Model
from triptych.protocol.tensors import Tensor

Results = dict[str, Tensor]


class RowsDepend(Exception):
    """The results of a row change with the rows beside it: only all rows together give the right ones."""


class Rows[Part: Prepared](Protocol):
    """A request of which any rows can be run by themselves."""

    def slice(self, start: int, stop: int) -> Part:
        """Makes the request for these rows."""
        ...


class Sizes(NamedTuple):
    """How large slices and chunks are; tests make them tiny.

    Attributes:
        first: Bytes of inputs of the first slice: a model may take thousands of times as much while it runs.
        largest: Bytes of inputs of a slice at most: four times as much gains nothing.
        csv: Bytes of CSV that are read at once: cells of one digit take twenty times as much in memory.
        lines: Bytes of JSON Lines that are read at once: small values take thirty times as much in memory.
        cells: Bytes of cells of Parquet that are taken at once.
    """

    first: int = 64 * 2**10
    largest: int = 2 * 2**20
    csv: int = 2**20
    lines: int = 2**20
    cells: int = 2 * 2**20


@dataclass(slots=True)
class Slices:
    """Runs requests slice by slice; one is for all chunks of one file.

    Attributes:
        model: What runs.
        deadline: When the last run must have ended.
        checkpoint: Is called before each slice, and raises when there shall be no more.
        trusted: Whether rows are known not to depend on each other.
        sizes: How large slices are.
        nanoseconds: Time that the model ran.
    """

    model: Model
    deadline: Deadline
    checkpoint: Callable[[], None]
    trusted: bool
    sizes: Sizes
    nanoseconds: int = 0
    _rows: int = field(default=0, init=False)
    _most: int = field(default=0, init=False)
    _before: _Ran | None = field(default=None, init=False)

    def run[Part: Prepared](
        self, request: Rows[Part], rows: int, row_bytes: int
    ) -> Iterator[tuple[Part, Results]]:
        """Runs a request.

        Args:
            request: What to run.
            rows: How many rows it has; a request without rows is run once.
            row_bytes: Bytes that a row of its inputs has.

        Yields:
            A slice of it, and what the model gives for it.

        Raises:
            RowsDepend: Slices have other results than the whole.
            PayloadTooLarge: A single row takes more memory than there is.
        """
        self._rows = self._rows or max(2, self.sizes.first // max(1, row_bytes))
        self._most = self._most or max(2, self.sizes.largest // max(1, row_bytes))
        start = 0
        while start < rows or rows == 0:
            self.checkpoint()
            part = request.slice(start, min(start + self._rows, rows))
            results = self._attempt(part)
            if results is None:
                continue
            yield part, results
            if rows == 0:
                return
            start += part.rows
            self._rows = min(2 * self._rows, self._most)

    def _attempt(self, part: Prepared) -> Results | None:
        """Runs a slice; gives None when a smaller one has to be tried."""
        started = perf_counter_ns()
        try:
            results = part.run(self.deadline)
            if not self.trusted and part.is_one_run:
                self._verify(_Ran(part, results))
        except (PayloadTooLarge, MemoryError) as error:
            if part.rows < 2:
                raise _one_row(error) from error
            self._rows = self._most = part.rows // 2
            return None
        finally:
            self.nanoseconds += perf_counter_ns() - started
        return results

    def _verify(self, now: _Ran) -> None:
        """Runs a slice once more, joined with one before; of slices that are alike nothing can be learnt."""
        before = self._before
        if before is None:
            self._before = now
            return
        try:
            joined = run_merged(self.model, [before.part, now.part], self.deadline)
        except (RowsInteract, BadRequest) as error:  # each of them alone was accepted
            raise RowsDepend from error
        for name in now.results:
            apart = [before.results[name], now.results[name]]
            if not agree(apart, [results[name] for results in joined]):
                raise RowsDepend
        if not _alike(before.part.inputs, now.part.inputs):
            self.trusted, self._before = True, None


class _Ran(NamedTuple):
    part: Prepared
    results: Results


def _alike(some: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bool:
    """Tells whether the first rows are equal, as many as both have."""
    pairs = [(tensor.values, others[name].values) for name, tensor in some.items()]
    return all(np.array_equal(one[: len(other)], other[: len(one)]) for one, other in pairs)


def _one_row(error: BaseException) -> PayloadTooLarge:
    if isinstance(error, PayloadTooLarge):
        return error
    return PayloadTooLarge("a single row needs more memory than the function has")
