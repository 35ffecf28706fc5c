"""Running jobs whose inputs fit into memory, those for the same model together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from triptych.asynchronous.attempts import Attempt, Output
from triptych.asynchronous.concurrency import Each
from triptych.asynchronous.failures import caught
from triptych.asynchronous.inputs import Input, input_of
from triptych.asynchronous.preparing import prepare
from triptych.errors import PayloadTooLarge, TriptychError
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.job_observer import JobObserver, ModelRun
from triptych.interfaces.payloads import InputStore
from triptych.serving.grouping import Grouping, Outcome
from triptych.serving.model import Model
from triptych.serving.prepared import Prepared
from triptych.serving.store import ModelStore

Outputs = dict[str, Output | TriptychError]
"""What came of jobs, by id."""


class Runner:
    """Runs jobs.

    Args:
        inputs: Keeps inputs that do not travel in messages.
        models: Gives open models.
        grouping: Runs requests together.
        observer: Is told about every run.
        each: Gets many inputs at once.
    """

    def __init__(
        self,
        inputs: InputStore,
        models: ModelStore,
        grouping: Grouping,
        observer: JobObserver,
        each: Each,
    ) -> None:
        self._inputs = inputs
        self._models = models
        self._grouping = grouping
        self._observer = observer
        self._each = each

    def run(self, attempts: Sequence[Attempt], deadline: Deadline) -> Outputs:
        """Runs jobs; those for the same model together where that gives the same.

        Args:
            attempts: The jobs, those for the same model side by side.
            deadline: When the last run must have ended.

        Returns:
            For each job its result, or why there is none; nothing for those that memory is too small for,
            which may have room by file.
        """
        fetched = self._each(self._input, attempts)
        outputs: Outputs = {}
        ready: list[tuple[Attempt, Input]] = []
        for attempt, found in zip(attempts, fetched, strict=True):
            if isinstance(found, TriptychError):
                outputs[attempt.job.id] = found
            elif found.body is not None:
                ready.append((attempt, found))
        for _, same in groupby(ready, key=lambda pair: (pair[0].job.model, pair[0].job.version)):
            outputs |= self._together(list(same), deadline)
        return {
            job_id: outcome for job_id, outcome in outputs.items() if not isinstance(outcome, PayloadTooLarge)
        }

    def _input(self, attempt: Attempt) -> Input | TriptychError:
        return caught(self._observer, lambda: input_of(attempt, self._inputs))

    def _together(self, jobs: Sequence[tuple[Attempt, Input]], deadline: Deadline) -> Outputs:
        first = jobs[0][0].job
        model = caught(self._observer, lambda: self._models.get(first.model, first.version))
        if isinstance(model, TriptychError):
            return {attempt.job.id: model for attempt, _ in jobs}
        outputs: Outputs = {}
        prepared: dict[str, Prepared] = {}
        for attempt, found in jobs:
            made = self._prepared(model, found)
            if isinstance(made, TriptychError):
                outputs[attempt.job.id] = made
            else:
                prepared[attempt.job.id] = made
        return outputs | self._ran(model, prepared, deadline)

    def _prepared(self, model: Model, found: Input) -> Prepared | TriptychError:
        return caught(self._observer, lambda: prepare(model, found.request, found.body or b""))

    def _ran(self, model: Model, prepared: dict[str, Prepared], deadline: Deadline) -> Outputs:
        together = caught(
            self._observer, lambda: self._grouping.run_together(model, list(prepared.values()), deadline)
        )
        if isinstance(together, TriptychError):
            return dict.fromkeys(prepared, together)
        for run in together.runs:
            self._observer.model_ran(ModelRun(model.name, model.version, run.requests, run.nanoseconds / 1e6))
        return {
            job_id: self._answered(model, request, outcome)
            for (job_id, request), outcome in zip(prepared.items(), together.outcomes, strict=True)
        }

    def _answered(self, model: Model, request: Prepared, outcome: Outcome) -> Output | TriptychError:
        if isinstance(outcome, TriptychError):
            return outcome
        answer = caught(self._observer, lambda: request.answer(outcome))
        return answer if isinstance(answer, TriptychError) else Output(*answer, version=model.version)
