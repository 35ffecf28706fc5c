"""All services of the asynchronous mode over stores in memory, and real models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from triptych.aws.queue import Delivery, Outcomes
from triptych.clock import Deadline
from triptych.inference.adaptive_batching import AdaptiveBatcher
from triptych.jobs.attempts import Attempts, Limit
from triptych.jobs.consumer import Consumer
from triptych.jobs.document import job_finalizer
from triptych.jobs.job import Job, JobRequest
from triptych.jobs.large import LargeRunner
from triptych.jobs.reaper import Reaper
from triptych.jobs.runner import Runner
from triptych.jobs.service import JobService
from triptych.jobs.store import JobStorage
from triptych.jobs.submission import OptionLimits, Options, Submission
from triptych.jobs.worker import Worker
from triptych.models.config import SessionSettings
from triptych.models.loader import Runtime
from triptych.models.memory import MemoryBudget
from triptych.models.repository import ModelRepository
from triptych.models.storage import DirectoryStorage
from triptych.models.store import ModelStore

from tests.support.hooked_sessions import Hooks
from tests.support.job_fakes import (
    InTurn,
    JobClock,
    MemoryInputs,
    MemoryNotifier,
    MemoryQueue,
    MemoryResults,
)
from tests.support.realtime import add_model
from tests.support.tiny_models import lookup, sum_and_difference
from tests.support.unsure_jobs import UnsureJobs
from tests.support.watched_jobs import WatchedJobs

HOUR, DAY = 3600, 86_400
LIMITS = OptionLimits(time_to_live=DAY, longest=14 * DAY)
SECONDS = 30.0
"""How long an invocation may take."""
ATTEMPTS = 5
FIRST_DELAY = 10


@dataclass
class Workshop:
    """All services, and what they stand on. Models are `adder` (FP32) and `lookup` (fails beyond index 2).

    Attributes:
        directory: Where models and files of large jobs are.
        store: Records, whose answers may get lost.
        clock: The time.
        inputs: Inputs.
        results: Results.
        queue: Messages.
        letters: Messages that were given up.
        notifier: What was told.
        observer: What was seen.
        hooks: What happens before a model runs.
        done: Ids of messages that are done.
    """

    directory: Path
    store: UnsureJobs = field(default_factory=UnsureJobs)
    clock: JobClock = field(default_factory=JobClock)
    inputs: MemoryInputs = field(default_factory=MemoryInputs)
    results: MemoryResults = field(default_factory=MemoryResults)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    letters: MemoryQueue = field(default_factory=MemoryQueue)
    notifier: MemoryNotifier[Job] = field(default_factory=MemoryNotifier[Job])
    observer: WatchedJobs = field(default_factory=WatchedJobs)
    hooks: Hooks = field(default_factory=Hooks)
    done: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        models = self.directory / "models"
        add_model(models, "adder", sum_and_difference())
        add_model(models, "lookup", lookup())
        self.storage = JobStorage(self.store, self.inputs, self.results)
        self.finalizer = job_finalizer(self.storage, self.notifier)
        self.consumer = Consumer(self.storage, self.queue, LIMITS, FIRST_DELAY, self.clock)
        self.service = JobService(self.storage, self.finalizer, self.queue, self.observer, self.clock)
        self.reaper = Reaper(self.consumer, self.storage, self.finalizer, self.observer, self.clock)
        limit = Limit(ATTEMPTS, self.letters)
        self.attempts = Attempts(self.storage, self.finalizer, limit, self.observer, self.clock)
        self.worker = self._worker(_models(models, self.hooks))

    def submit(self, body: bytes, model: str = "adder", key: str | None = None, **request: str) -> Job:
        """Submits a job as HTTP does."""
        submission = Submission(model, None, JobRequest(**request), Options(HOUR), body)  # type: ignore[arg-type]
        return self.service.submit(submission, None if key is None else ("caller", key))

    def deliveries(self) -> list[Delivery]:
        """Takes every message that is not done."""
        return [found for found in self.queue.deliveries(self.clock()) if found.message_id not in self.done]

    def work(self, deliveries: Sequence[Delivery] | None = None, seconds: float = SECONDS) -> Outcomes:
        """Delivers messages to the worker; by default all that are not done."""
        taken = self.deliveries() if deliveries is None else deliveries
        return self._noted(self.worker.process(taken, Deadline.after(seconds)))

    def give_up(self, deliveries: Sequence[Delivery] | None = None) -> Outcomes:
        """Delivers messages to the handler of dead letters."""
        taken = self.deliveries() if deliveries is None else deliveries
        return self._noted(self.reaper.end_dead_letters(taken, Deadline.after(SECONDS)))

    def job(self, job: Job) -> Job:
        """Returns the record of a job as it is now."""
        return self.store.jobs[job.id]

    def told(self, job: Job) -> list[str]:
        """Returns the states that were told of a job."""
        return [told.status.value for told in self.notifier.published if told.id == job.id]

    def _noted(self, outcomes: Outcomes) -> Outcomes:
        self.done |= {message_id for message_id, seconds in outcomes.items() if seconds is None}
        return outcomes

    def _worker(self, models: ModelStore) -> Worker:
        refused: list[object] = []
        large = LargeRunner(self.storage, models, self.observer, self.directory / "large")
        runner = Runner(models, AdaptiveBatcher(refused.append), self.observer, large)
        return Worker(self.consumer, self.attempts, runner, self.observer, InTurn())


def sums(a: float = 1.0, b: float = 2.0) -> bytes:
    """Writes a request for `adder`, of one row."""
    tensors = [
        {"name": name, "datatype": "FP32", "shape": [1, 2], "data": [value, 0.0]}
        for name, value in {"a": a, "b": b}.items()
    ]
    return json.dumps({"inputs": tensors}).encode()


def entries(*indices: int) -> bytes:
    """Writes a request for `lookup`."""
    tensor = {"name": "index", "datatype": "INT64", "shape": [len(indices)], "data": indices}
    return json.dumps({"inputs": [tensor]}).encode()


def _models(directory: Path, hooks: Hooks) -> ModelStore:
    return ModelStore(
        ModelRepository([DirectoryStorage(directory)], refresh_seconds=HOUR),
        Runtime(hooks.open_session, SessionSettings()),
        MemoryBudget(2**30, lambda: 0),
    )
