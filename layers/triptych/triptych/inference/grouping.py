"""Many requests for one model in as few runs as possible.

```
requests ── groups ──┬─ proven ───> joined ─┬─ ok ────> split
                     │                      └─ fails ─> halves, each joined again
                     ├─ not yet ──> alone, and joined to compare
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
from triptych.inference.joining import Evidence, RowsInteract, differ, groups, run_joined, union
from triptych.inference.request import Prepared
from triptych.models.model import Model, ModelSession
from triptych.protocol.tensors import Tensor

PROBE = 8
"""Requests that are run both ways at once: a whole group would cost its first call all that joining saves."""

Outcome = dict[str, Tensor] | TriptychError
"""The wanted outputs of a request by name, or why there are none."""


class Waited(DeadlineExceeded):
    """The time was over before the request had its turn: it was not run."""


class Run(NamedTuple):
    """A run that ended in outcomes.

    Attributes:
        requests: How many requests it was for.
        nanoseconds: How long it took.
    """

    requests: int
    nanoseconds: int


class Together(NamedTuple):
    """What came of requests.

    Attributes:
        outcomes: One for each request, in their order.
        runs: The runs that the outcomes are from.
    """

    outcomes: Sequence[Outcome]
    runs: Sequence[Run]


class Grouping:
    """Runs requests together where that gives what each would get alone, and remembers where it does.

    Args:
        refused: Is called once with each open model whose rows turn out to interact.
    """

    def __init__(self, refused: Callable[[Model], None]) -> None:
        self._refused = refused
        # By session: a version whose content is replaced is opened anew, and is unknown again.
        self._evidence: WeakKeyDictionary[ModelSession, Evidence] = WeakKeyDictionary()

    def run_together(self, model: Model, requests: Sequence[Prepared], deadline: Deadline) -> Together:
        """Runs requests for one model.

        A request that fails, fails alone and as it would alone. When the time is up, what is running and what
        has not begun ends with `DeadlineExceeded`: those requests can be tried again.

        Args:
            model: The model that all of them are prepared for.
            requests: The requests.
            deadline: When the last run must have ended.
        """
        call = _Call(model, deadline, self._evidence_of(model), self._refused)
        outcomes: dict[int, Outcome] = {}
        for group in groups(model.signature, requests):
            members = [requests[index] for index in group]
            outcomes |= zip(group, call.group(members), strict=True)
        return Together([outcomes[index] for index in range(len(requests))], call.runs)

    def _evidence_of(self, model: Model) -> Evidence:
        return self._evidence.setdefault(model.session, Evidence(said=model.config.group))


class _Call:
    """One call of `run_together`."""

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
        while self._must_prove(rest := members[len(outcomes) :]):
            outcomes += self._probe(rest[:PROBE])
        return outcomes + self._bisected(rest)

    def _must_prove(self, members: Sequence[Prepared]) -> bool:
        evidence = self._evidence
        return len(members) > 1 and not evidence.refused and not evidence.proves(union(members))

    def _probe(self, members: Sequence[Prepared]) -> list[Outcome]:
        outcomes = [self._alone(member) for member in members]
        good = [
            (member, outcome)
            for member, outcome in zip(members, outcomes, strict=True)
            if not isinstance(outcome, TriptychError)
        ]
        # Joined with its like, a request gets its own results also from a model that averages over all rows.
        if len(good) > 1 and _inputs_differ([member for member, _ in good]):
            self._compare([member for member, _ in good], [outcome for _, outcome in good])
        return outcomes

    def _compare(self, members: Sequence[Prepared], alone: Sequence[dict[str, Tensor]]) -> None:
        try:
            self._evidence.compare(members, alone, run_joined(self._model, members, self._deadline))
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
            self._take_turn()
            results = run_joined(self._model, members, self._deadline)
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
            self._take_turn()
            outcome: Outcome = request.run(self._deadline)
        except DeadlineExceeded as error:
            return error
        except TriptychError as error:
            outcome = error
        except MemoryError:
            outcome = PayloadTooLarge(NO_MEMORY)
        self._ended(1, started)
        return outcome

    def _take_turn(self) -> None:
        if self._deadline.remaining <= 0:
            raise Waited("the time was over before the model was run")

    def _ended(self, requests: int, started: int) -> None:
        self.runs.append(Run(requests, perf_counter_ns() - started))


def _inputs_differ(requests: Sequence[Prepared]) -> bool:
    return any(differ([request.inputs[name] for request in requests]) for name in requests[0].inputs)
