"""The one shape of every request for inference: prepare, run, answer.

```
request ── prepare ──> Prepared ── run ──> results ── answer ──> Answer
```

Real time takes one request all the way; jobs prepare many, run them as few batches and answer each. There are
requests of tensors (`tensors`) and of rows (`rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import NamedTuple, Protocol

from triptych.clock import Deadline
from triptych.models.model import Model
from triptych.models.statistics import Timings
from triptych.protocol.tensors import Tensor


class Answer(NamedTuple):
    """What is sent back.

    Attributes:
        header_length: Bytes of the JSON header; None when there are no raw tensors.
        filled: How many missing cells of the rows took the value for missing cells; 0 for tensors.
    """

    body: bytes
    content_type: str
    header_length: int | None = None
    filled: int = 0


class Servable(Protocol):
    """A request that is decoded and checked, and can be run by itself."""

    @property
    def rows(self) -> int:
        """How many rows there are: the size of the inputs' first dimension."""
        ...

    def run(self, deadline: Deadline) -> dict[str, Tensor]:
        """Runs the request by itself.

        Returns:
            The outputs that are asked for, by name.

        Raises:
            BadRequest: The model refuses these values, or its outputs do not fit into the answer.
            DeadlineExceeded: The model did not answer in time.
            ModelUnavailable: The model had to be opened again, and cannot be.
            PayloadTooLarge: The run needs more memory than there is, or its outputs more than an answer has.
        """
        ...

    def answer(self, results: Mapping[str, Tensor]) -> Answer:
        """Writes the answer from the outputs that are asked for, by name, of whatever run.

        Raises:
            BadRequest: What is asked for cannot be made of these results.
        """
        ...


class Prepared(Servable, Protocol):
    """A request that can also run together with others."""

    @property
    def model(self) -> Model:
        """The model that runs it."""
        ...

    @property
    def inputs(self) -> Mapping[str, Tensor]:
        """A tensor for every input but for absent optional ones; `[rows, ...]` where the model takes rows."""
        ...

    @property
    def outputs(self) -> Sequence[str]:
        """Names of the outputs that are asked for, in that order."""
        ...

    @property
    def is_one_run(self) -> bool:
        """Whether `run` is one run of the model on `inputs`, so that another run may do for it."""
        ...


class Served(NamedTuple):
    """A request that has been answered; see `Answer`."""

    body: bytes
    content_type: str
    header_length: int | None
    filled: int
    rows: int
    timings: Timings


def serve(prepare: Callable[[], Servable], deadline: Deadline) -> Served:
    """Prepares, runs and answers one request by itself."""
    started = perf_counter_ns()
    prepared = prepare()
    decoded = perf_counter_ns()
    results = prepared.run(deadline)
    ran = perf_counter_ns()
    answer = prepared.answer(results)
    timings = Timings(decoded - started, ran - decoded, perf_counter_ns() - ran)
    return Served(*answer, prepared.rows, timings)
