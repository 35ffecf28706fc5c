"""The one shape of every request for inference: prepare, run, answer.

```
request ── prepare ──> Prepared ── run ──> results ── answer ──> Answer
```

Real time takes one request all the way; jobs prepare many, run them together and answer each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import NamedTuple, Protocol

from triptych.interfaces.deadline import Deadline
from triptych.serving.model import Model
from triptych.serving.statistics import Timings
from triptych.tensors.tensor import Tensor


class Answer(NamedTuple):
    """What the caller gets.

    Attributes:
        body: JSON, a JSON header with raw tensors behind it, or rows.
        content_type: What it is.
        header_length: Bytes of the JSON header; None when there are no raw tensors.
        filled: How many missing cells of the rows took the value for missing cells; 0 for tensors.
    """

    body: bytes
    content_type: str
    header_length: int | None = None
    filled: int = 0


class Prepared(Protocol):
    """A request that is decoded and checked, and can be run."""

    @property
    def inputs(self) -> Mapping[str, Tensor]:
        """A tensor for every input of the model; of shape `[rows, ...]` where the model takes rows."""
        ...

    @property
    def outputs(self) -> Sequence[str]:
        """Names of the wanted outputs, in the order wanted."""
        ...

    @property
    def rows(self) -> int:
        """How many rows there are: the size of the inputs' first dimension."""
        ...

    @property
    def is_one_run(self) -> bool:
        """Whether `run` is one run of the model on `inputs`, so that another run may do for it."""
        ...

    def run(self, deadline: Deadline) -> dict[str, Tensor]:
        """Runs the request by itself.

        Returns:
            The wanted outputs by name.

        Raises:
            BadRequest: The model refuses these values, or gives what the answer cannot hold.
            DeadlineExceeded: The model did not answer in time.
            ModelUnavailable: The model had to be opened again, and cannot be.
            PayloadTooLarge: The run needs more memory than there is, or gives more than an answer takes.
        """
        ...

    def answer(self, results: Mapping[str, Tensor]) -> Answer:
        """Writes the answer.

        Args:
            results: The wanted outputs by name, from whatever run.

        Raises:
            BadRequest: What is asked for cannot be made of these results.
        """
        ...


class Served(NamedTuple):
    """A request that has been answered.

    Attributes:
        body: As in `Answer`.
        content_type: As in `Answer`.
        header_length: As in `Answer`.
        filled: As in `Answer`.
        rows: How many rows were predicted for.
        timings: Where the time went.
    """

    body: bytes
    content_type: str
    header_length: int | None
    filled: int
    rows: int
    timings: Timings


def serve[Request](
    prepare: Callable[[Model, Request], Prepared], model: Model, request: Request, deadline: Deadline
) -> Served:
    """Answers one request by itself.

    Raises:
        TriptychError: Whatever preparing, running and answering raise.
    """
    started = perf_counter_ns()
    prepared = prepare(model, request)
    decoded = perf_counter_ns()
    results = prepared.run(deadline)
    ran = perf_counter_ns()
    answer = prepared.answer(results)
    timings = Timings(decoded - started, ran - decoded, perf_counter_ns() - ran)
    return Served(*answer, prepared.rows, timings)
