"""The worker of jobs as it is, with its log lines, over stores in memory: the program, not AWS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from triptych.aws.queue import Delivery
from triptych.clock import Deadline, wall_clock
from triptych.inference.adaptive_batching import AdaptiveBatcher
from triptych.jobs.attempts import Attempts, Limit
from triptych.jobs.consumer import Consumer
from triptych.jobs.document import job_finalizer
from triptych.jobs.job import JobRequest, JobResult, Status
from triptych.jobs.large import LargeRunner
from triptych.jobs.runner import Runner
from triptych.jobs.service import JobService
from triptych.jobs.store import JobStorage
from triptych.jobs.submission import OptionLimits, Options, Submission
from triptych.jobs.telemetry import JobTelemetry
from triptych.jobs.worker import Worker
from triptych.models.config import SessionSettings
from triptych.models.loader import Runtime
from triptych.models.memory import MemoryBudget
from triptych.models.repository import ModelRepository
from triptych.models.storage import DirectoryStorage
from triptych.models.store import ModelStore
from triptych.tasks.open import open_session

from benchmarks.models import repository
from tests.support.job_fakes import (
    InTurn,
    MemoryInputs,
    MemoryJobs,
    MemoryNotifier,
    MemoryQueue,
    MemoryResults,
)

_HOUR = 3600
_LIMITS = OptionLimits(time_to_live=_HOUR, longest=_HOUR)


class JobWorld:
    """Submits jobs for one model, and works through them.

    Args:
        directory: Where the model goes; it is new.
        model: Name of the model.
        grouped: Whether jobs may be one run of the model.
    """

    def __init__(self, directory: Path, model: str, *, grouped: bool) -> None:
        models = repository(directory / "models", model)
        (models / model / "model.toml").write_text(
            f"[jobs]\ngroup = {str(grouped).lower()}\n", encoding="utf-8"
        )
        self._model = model
        self._store, self._inputs, self._results = MemoryJobs(), MemoryInputs(), MemoryResults(inline=4096)
        self._queue, self._telemetry = MemoryQueue(), JobTelemetry("job-worker", "Triptych", "INFO")
        self._storage = JobStorage(self._store, self._inputs, self._results)
        self._finalizer = job_finalizer(self._storage, MemoryNotifier())
        self._service = JobService(self._storage, self._finalizer, self._queue, self._telemetry, wall_clock)
        self._worker = self._made(_store_of(models), directory / "large")

    def submit(self, bodies: Sequence[bytes]) -> list[Delivery]:
        """Submits jobs as over HTTP, and receives their messages from the queue."""
        self._queue.sent.clear()
        for body in bodies:
            request = JobRequest(content_type="application/json")
            self._service.submit(Submission(self._model, None, request, Options(_HOUR), body), None)
        return self._queue.deliveries(wall_clock())

    def work(self, deliveries: Sequence[Delivery]) -> None:
        """Runs the worker on the messages of an invocation.

        Raises:
            RuntimeError: A message comes again.
        """
        outcomes = self._worker.process(deliveries, Deadline.after(60))
        if set(outcomes.values()) != {None}:
            raise RuntimeError(f"messages come again: {outcomes}")

    def results(self) -> list[tuple[bytes, JobResult]]:
        """Returns the results of all jobs.

        Raises:
            RuntimeError: A job did not succeed.
        """
        results = [job.result for job in self._store if job.status is Status.SUCCEEDED and job.result]
        if len(results) < len(self._store):
            raise RuntimeError("a job did not succeed")
        return [(self._results.read(result), result) for result in results]

    def forget(self) -> None:
        """Forgets all jobs, so that stores do not grow."""
        self._store.jobs.clear()
        self._results.objects.clear()

    def _made(self, models: ModelStore, large: Path) -> Worker:
        storage, telemetry = self._storage, self._telemetry
        refused: list[object] = []
        runner = Runner(
            models,
            AdaptiveBatcher(refused.append),
            telemetry,
            LargeRunner(storage, models, telemetry, large),
        )
        return Worker(
            Consumer(storage, self._queue, _LIMITS, 10, wall_clock),
            Attempts(storage, self._finalizer, Limit(5, MemoryQueue()), telemetry, wall_clock),
            runner,
            telemetry,
            InTurn(),
        )


def _store_of(models: Path) -> ModelStore:
    return ModelStore(
        ModelRepository([DirectoryStorage(models)], refresh_seconds=_HOUR),
        Runtime(open_session, SessionSettings(threads=1, weights="prepacked")),
        MemoryBudget(2**30, lambda: 0),
    )
