"""Runs on some rows at a time, as many as memory allows.

```
rows ── slice ── run ─┬─ ok ─────────> results; the next slice is twice as large, up to a limit
                      └─ no memory ──> again with half of it, and never more than that
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import perf_counter_ns
from typing import NamedTuple, Protocol

import numpy as np

from triptych.clock import Deadline
from triptych.errors import BadRequest, PayloadTooLarge, RowError
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
    """How much is read, and run, at once; tests make it tiny.

    Attributes:
        first: Bytes of inputs of the first slice: a model may take thousands of times as much while it runs.
        largest: Bytes of inputs of a slice at most: four times as much gains nothing.
        block: Bytes of text or arrays that are read at once: cells of one digit take twenty times as much in
            memory, small values of JSON thirty times.
        records: How many records a block has at most.
    """

    first: int = 64 * 2**10
    largest: int = 2 * 2**20
    block: int = 2**20
    records: int = 2**62

    def shared(self, share: float) -> Sizes:
        """Returns sizes that take about this share of the memory."""
        first, largest, block = (max(1, round(size * share)) for size in self[:3])
        return Sizes(first, largest, block, self.records)


class Budget(NamedTuple):
    """What work on a file may take, in time and memory.

    Attributes:
        deadline: When the last run must have ended; time to finish writing is reserved beyond it.
        checkpoint: Is called between slices, and raises to end the work.
        share: Part of a piece of a file after which to stop at the next end of a record: less than 1 after a
            process ended while it was transforming it.
    """

    deadline: Deadline
    checkpoint: Callable[[], None]
    sizes: Sizes = Sizes()
    share: float = 1.0


class Slices:
    """Runs a model on the rows of one file, slice by slice, and counts the nanoseconds that it ran."""

    def __init__(self, model: Model, budget: Budget) -> None:
        self.model = model
        self.budget = budget
        self.nanoseconds = 0
        self._independent = model.group is True  # rows, as far as is known
        self._rows = 0
        self._most = 0
        self._before: tuple[Prepared, Results] | None = None

    def run[Part: Prepared](
        self, request: Rows[Part], rows: int, row_bytes: int
    ) -> Iterator[tuple[Part, Results]]:
        """Runs a request of so many rows, each with so many bytes of inputs; one without rows is run once.

        It yields slices of the request, and the outputs of the model for each.

        Raises:
            RowsDepend: Slices have other results than the whole.
            PayloadTooLarge: A single row takes more memory than there is.
        """
        if rows == 0:  # says nothing about the size of rows
            part = request.slice(0, 0)
            yield part, part.run(self.budget.deadline)
            return
        sizes = self.budget.sizes
        self._rows = self._rows or max(2, sizes.first // max(1, row_bytes))
        self._most = self._most or max(2, sizes.largest // max(1, row_bytes))
        start = 0
        while start < rows:
            self.budget.checkpoint()
            part = request.slice(start, min(start + self._rows, rows))
            try:
                results = self._attempt(part)
            except RowError as error:
                raise error.after(start) from error
            if results is None:
                continue
            yield part, results
            start += part.rows
            self._rows = min(2 * self._rows, self._most)

    def _attempt(self, part: Prepared) -> Results | None:
        """Runs a slice; returns None when a smaller one has to be tried."""
        started = perf_counter_ns()
        try:
            results = part.run(self.budget.deadline)
            if not self._independent and part.is_one_run:
                self._verify(part, results)
        except (PayloadTooLarge, MemoryError) as error:
            if part.rows < 2:
                if isinstance(error, PayloadTooLarge):
                    raise
                raise PayloadTooLarge("a single row needs more memory than the function has") from error
            self._rows = self._most = part.rows // 2
            return None
        finally:
            self.nanoseconds += perf_counter_ns() - started
        return results

    def _verify(self, part: Prepared, results: Results) -> None:
        """Runs a slice once more, merged with one before; slices that are alike prove nothing."""
        if self._before is None or self._before[0].inputs.keys() != part.inputs.keys():
            self._before = part, results
            return
        before, known = self._before
        try:
            merged = run_merged(self.model, [before, part], self.budget.deadline)
        except (RowsInteract, BadRequest) as error:  # each of them alone was accepted
            raise RowsDepend from error
        for name in results:
            if not agree([known[name], results[name]], [both[name] for both in merged]):
                raise RowsDepend
        if not _alike(before.inputs, part.inputs):
            self._independent, self._before = True, None


def _alike(some: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bool:
    """Returns whether the first rows are equal, as many as both have."""
    pairs = [(tensor.values, others[name].values) for name, tensor in some.items()]
    return all(np.array_equal(one[: len(other)], other[: len(one)]) for one, other in pairs)
