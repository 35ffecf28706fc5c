"""The function that takes batches, inside this process, over fakes of all that batches stand on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triptych.batches import transitions
from triptych.batches.batch import Batch, BatchSource
from triptych.batches.dry_run import DryRun, Workers
from triptych.batches.file import FileOutcome
from triptych.batches.find import descriptions
from triptych.batches.lookup import LookupRate, Origin
from triptych.batches.service import BatchService, StateMachine
from triptych.batches.store import BatchStorage
from triptych.http.application import Application
from triptych.http.batches import BatchServices
from triptych.http.routes import batch_routes
from triptych.inference.piece import Counts, Prediction
from triptych.lifecycle.finalize import Finalizer
from triptych.lifecycle.record import Failure
from triptych.models.repository import ModelRepository
from triptych.rows.options import BatchOptions

from tests.support.batch_fakes import (
    AT_ONCE,
    MemoryBatches,
    MemoryPredictions,
    MemoryWorkflow,
    WatchedBatches,
)
from tests.support.job_fakes import NOW, JobClock, MemoryNotifier, MemoryQueue
from tests.support.objects import DirectoryBucket
from tests.support.realtime import Answer, Call, Function
from tests.support.watched_requests import WatchedRequests

BATCH_ID = "3e1f5a52-8c0d-4b7a-9d35-6f1c2b7e9a10"
KEY = "penguins/monday.csv"
PASSING = Failure("ServiceUnavailable", "the bucket did not answer", retryable=True)
LASTING = Failure("NotFound", "unknown model 'rose'", retryable=False)
BATCHES = "/v2/batches"
BATCH = "/v2/batches/{id}"


@dataclass
class BatchesApi:
    """The function and all around it.

    Attributes:
        repository: Knows which models there are.
        directory: Where its buckets are.
        clock: Its time.
        store: Its records.
        workflow: Its state machine.
        queue: Its reminders.
        predictions: What can be looked up.
        notifier: What was told of batches.
        observer: What its batch observer saw.
        requests: What its request observer saw.
    """

    repository: ModelRepository
    directory: Path
    clock: JobClock = field(default_factory=JobClock)
    store: MemoryBatches = field(default_factory=MemoryBatches)
    workflow: MemoryWorkflow = field(default_factory=MemoryWorkflow)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    predictions: MemoryPredictions = field(default_factory=MemoryPredictions)
    notifier: MemoryNotifier[Batch] = field(default_factory=MemoryNotifier[Batch])
    observer: WatchedBatches = field(default_factory=WatchedBatches)
    requests: WatchedRequests = field(default_factory=WatchedRequests)

    def __post_init__(self) -> None:
        self.inputs = DirectoryBucket(self.directory / "inputs", "inputs")
        self.outputs = DirectoryBucket(self.directory / "outputs", "outputs")
        self.work = DirectoryBucket(self.directory / "work", "work")
        storage = BatchStorage(self.store, self.inputs, self.outputs, self.work, self.predictions)
        finalizer = Finalizer(self.store, self.notifier)
        machine = StateMachine(self.workflow, self.queue)
        workers = Workers(100, memory=1769, concurrency=50, lookups=LookupRate(4000, uploads=5, chunks=50))
        services = BatchServices(
            repository=self.repository,
            batches=BatchService(storage, finalizer, machine, self.observer, self.clock),
            dry_run=DryRun(storage, descriptions(self.repository), workers),
            predictions=self.predictions,
            outputs=self.outputs,
            clock=self.clock,
        )
        self.function = Function(Application(batch_routes(), services, self.requests))

    def call(self, method: str, resource: str, body: bytes = b"", **asked: Any) -> Answer:  # noqa: ANN401 - of a call
        """Calls a route of the function."""
        path = asked.pop("path", {"id": BATCH_ID} if "{id}" in resource else {})
        return self.function.handle(Call(method, resource, path, body=body, **asked).event())

    def queued(self, identity: str = BATCH_ID, key: str = KEY) -> Batch:
        """Makes a batch that waits, in place of any with its id."""
        batch = Batch(identity, None, None, BatchSource((key,)), BatchOptions(), self.clock())
        self.store.batches[identity] = batch
        return batch

    def running(self, identity: str = BATCH_ID) -> Batch:
        """Makes a batch that the state machine has, of one file in four chunks."""
        batch = transitions.handed_over(self.queued(identity), self.clock())
        self.workflow.started[identity] = identity
        return self._keep(transitions.planned(batch, files=1, chunks=4))

    def failed(self, error: Failure = PASSING) -> Batch:
        """Makes a batch that failed."""
        return self._keep(transitions.failed(self.running(), self.clock(), error))

    def succeeded(self) -> Batch:
        """Makes a batch that is done, with its only file."""
        running = self.running()
        output, errors, manifest = (f"{KEY}.{ending}" for ending in ("out", "errors.jsonl", "manifest.json"))
        outcome = FileOutcome(0, KEY, Counts(10, 9, 1), output, errors, manifest)
        self.store.kept_outcomes[BATCH_ID, 0] = outcome
        return self._keep(transitions.finished(running, self.clock(), [outcome]))

    def predicted(self, model: str = "recommender") -> None:
        """Makes predictions for two users."""
        rows = [Prediction(key, {"user_id": int(key), "items": [1, 2]}) for key in ("15", "16")]
        self.predictions.put(rows, Origin(model, 1, BATCH_ID, NOW), AT_ONCE)

    def _keep(self, batch: Batch) -> Batch:
        self.store.batches[batch.id] = batch
        return batch
