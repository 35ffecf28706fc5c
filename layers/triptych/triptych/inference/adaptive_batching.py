"""Adaptive batching: many requests for one model in as few runs as possible.

```
requests ── groups ──┬─ proven ───> merged ─┬─ ok ────> split
                     │                      └─ fails ─> halves, each merged again
                     ├─ not yet ──> alone, and merged to compare
                     └─ refused ──> alone
```
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import NamedTuple
from weakref import WeakKeyDictionary

from triptych.clock import Deadline
from triptych.errors import NO_MEMORY, BadRequest, DeadlineExceeded, PayloadTooLarge, TriptychError
from triptych.inference.merging import Evidence, RowsInteract, differ, groups, run_merged, union
from triptych.inference.request import Prepared
from triptych.models.model import Model, ModelSession
from triptych.protocol.tensors import Tensor

PROBE = 8
"""Requests that are run both ways at once: a whole group would cost its first call all that merging saves."""

Outcome = dict[str, Tensor] | TriptychError
"""The outputs that a request asks for by name, or why there are none."""


class NotStarted(DeadlineExceeded):
    """The time was over before the request had its turn: it was not run."""


class Run(NamedTuple):
    """A run that ended in outcomes: for how many requests, and how long it took."""

    requests: int
    nanoseconds: int


class Batched(NamedTuple):
    """An outcome for each request, in their order, and the runs that the outcomes are from."""

    outcomes: Sequence[Outcome]
    runs: Sequence[Run]


class AdaptiveBatcher:
    """Merges requests where each gets what it would get alone, and remembers for which models that is so.

    Args:
        refused: Is called once with each open model whose rows turn out to interact.
    """

    def __init__(self, refused: Callable[[Model], None]) -> None:
        self._refused = refused
        # By session: a version whose content is replaced is opened anew, and is unknown again.
        self._evidence: WeakKeyDictionary[ModelSession, Evidence] = WeakKeyDictionary()

    def run_batched(self, model: Model, requests: Sequence[Prepared], deadline: Deadline) -> Batched:
        """Runs requests for one model.

        A request that fails, fails alone and as it would alone. When the time is up, what is running and what
        has not begun ends with `DeadlineExceeded`: those requests can be tried again.
        """
        evidence = self._evidence.setdefault(model.session, Evidence(configured=model.group))
        call = _Call(model, deadline, evidence, self._refused)
        outcomes: dict[int, Outcome] = {}
        for group in groups(model.signature, requests):
            members = [requests[index] for index in group]
            outcomes |= zip(group, call.group(members), strict=True)
        return Batched([outcomes[index] for index in range(len(requests))], call.runs)


class _Call:
    """One call of `run_batched`."""

    def __init__(
        self, model: Model, deadline: Deadline, evidence: Evidence, refused: Callable[[Model], None]
    ) -> None:
        self.runs: list[Run] = []
        self._model = model
        self._deadline = deadline
        self._evidence = evidence
        self._refused = refused

    def group(self, members: Sequence[Prepared]) -> list[Outcome]:
        """Runs requests that may be one run."""
        outcomes: list[Outcome] = []
        rest, evidence = members, self._evidence
        while len(rest) > 1 and not evidence.refused and not evidence.proves(union(rest)):
            outcomes += self._probe(rest[:PROBE])
            rest = rest[PROBE:]
        return outcomes + self._bisected(rest)

    def _probe(self, members: Sequence[Prepared]) -> list[Outcome]:
        outcomes = [self._alone(member) for member in members]
        good = [
            (member, outcome)
            for member, outcome in zip(members, outcomes, strict=True)
            if not isinstance(outcome, TriptychError)
        ]
        # Merged with its like, a request gets its own results also from a model that averages over all rows.
        if len(good) > 1 and _inputs_differ([member for member, _ in good]):
            self._compare([member for member, _ in good], [outcome for _, outcome in good])
        return outcomes

    def _compare(self, members: Sequence[Prepared], alone: Sequence[dict[str, Tensor]]) -> None:
        try:
            self._evidence.compare(members, alone, run_merged(self._model, members, self._deadline))
        except (RowsInteract, BadRequest):  # each of them alone was accepted
            self._evidence.refused = True
        except (TriptychError, MemoryError):
            return  # no time or no room, which says nothing about the rows
        if self._evidence.refused:
            self._refused(self._model)

    def _bisected(self, members: Sequence[Prepared]) -> list[Outcome]:
        if len(members) < 2 or self._evidence.refused:
            return [self._alone(member) for member in members]
        started = perf_counter_ns()
        try:
            self._check_time()
            results = run_merged(self._model, members, self._deadline)
        except DeadlineExceeded as error:
            return [error] * len(members)
        except RowsInteract:
            self._evidence.refused = True
            self._refused(self._model)
            return self._bisected(members)
        except (TriptychError, MemoryError):
            middle = len(members) // 2
            return self._bisected(members[:middle]) + self._bisected(members[middle:])
        self._ended(len(members), started)
        return [*results]

    def _alone(self, request: Prepared) -> Outcome:
        started = perf_counter_ns()
        try:
            self._check_time()
            outcome: Outcome = request.run(self._deadline)
        except DeadlineExceeded as error:
            return error
        except TriptychError as error:
            outcome = error
        except MemoryError:
            outcome = PayloadTooLarge(NO_MEMORY)
        self._ended(1, started)
        return outcome

    def _check_time(self) -> None:
        if self._deadline.remaining <= 0:
            raise NotStarted("the time was over before the model was run")

    def _ended(self, requests: int, started: int) -> None:
        self.runs.append(Run(requests, perf_counter_ns() - started))


def _inputs_differ(requests: Sequence[Prepared]) -> bool:
    return any(differ([request.inputs[name] for request in requests]) for name in requests[0].inputs)
