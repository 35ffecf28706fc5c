"""A world in memory in which batches are transformed with the sample models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from triptych.batches.batch import Batch, BatchSource, Status, upload_id
from triptych.batches.chunk import Transformer
from triptych.batches.cut import plan_chunks
from triptych.batches.events import BatchTrigger
from triptych.batches.file import Chunk, InputFile
from triptych.batches.find import input_file
from triptych.batches.finish import Finisher
from triptych.batches.lookup import LookupRate
from triptych.batches.plan import Planner
from triptych.batches.service import BatchService, StateMachine
from triptych.batches.staging import Staging
from triptych.batches.steps import FileSteps, WorkflowSteps
from triptych.batches.store import BatchStorage
from triptych.batches.uploads import UploadLimits, Uploads
from triptych.clock import Deadline
from triptych.errors import NotFound
from triptych.inference.slices import Budget
from triptych.lifecycle.finalize import Finalizer
from triptych.models.model import Model
from triptych.rows.options import BatchOptions

from tests.support.batch_fakes import MemoryBatches, MemoryPredictions, MemoryWorkflow, WatchedBatches
from tests.support.job_fakes import NOW, JobClock, MemoryQueue
from tests.support.local_files import sample
from tests.support.objects import DirectoryBucket
from tests.support.pieces import TINY

FAST = LookupRate(1e9, uploads=1, chunks=1)


@cache
def _sample(name: str) -> Model:
    return sample(name)


def models(name: str, version: int | None) -> Model:
    """Gives a sample model, of which there is one version."""
    if name not in {"penguins", "digits", "recommender"} or version not in {None, 1}:
        raise NotFound(f"unknown model {name!r}")
    return _sample(name)


class BatchWorld:
    """Buckets, tables and the parts that work on them.

    Args:
        directory: Where the buckets are.
        wrapped: Puts something around whatever lies outside of the process.
        direct_bytes: Bytes of a file that is transformed when it is dropped.
        block: Bytes that are read at once.
        chunk_bytes: Bytes of the chunks that a plan has.
    """

    def __init__(
        self,
        directory: Path,
        wrapped: Callable[[Any], Any] = lambda outside: outside,
        direct_bytes: int = 10_000,
        block: int = 7,
        chunk_bytes: int = 100,
    ) -> None:
        self.inputs = DirectoryBucket(directory / "inputs", "inputs", block=block)
        self.outputs = DirectoryBucket(directory / "outputs", "outputs")
        self.work = DirectoryBucket(directory / "work", "work", block=block)
        self.others = DirectoryBucket(directory / "others", "others")
        self.predictions = MemoryPredictions()
        self.store = MemoryBatches()
        self.observer = WatchedBatches()
        self.clock = JobClock()
        self.workflow = MemoryWorkflow()
        self.queue = MemoryQueue()
        self.told: list[Batch] = []
        self.storage = BatchStorage(
            *map(wrapped, (self.store, self.inputs, self.outputs, self.work, self.predictions))
        )._replace(images={"others": self.others})
        storage, clock = self.storage, self.clock
        self.transformer = Transformer(storage, self.model, self.observer, FAST, TINY)
        self.finisher = Finisher(storage, self.observer, 1769, clock)
        self.planner = Planner(storage, self.model, self.finisher, chunk_bytes)
        finalizer = Finalizer(storage.batches, wrapped(self))
        machine = StateMachine(wrapped(self.workflow), wrapped(self.queue))
        self.service = BatchService(storage, finalizer, machine, self.observer, clock)
        self.steps = FileSteps(self.planner, self.transformer, self.finisher)
        limits = UploadLimits(direct_bytes, attempts=3)
        self.uploads = Uploads(storage, self.service, self.steps, limits, clock)
        self.trigger = BatchTrigger(self.uploads, self.service, self.queue, self.observer)
        self.machine = WorkflowSteps(storage, self.service, self.steps, self.observer, clock)

    def model(self, name: str, version: int | None) -> Model:
        """Gives a model."""
        return models(name, version)

    def publish(self, batches: Sequence[Batch]) -> None:
        """Remembers that the ends of batches were told; it is a notifier."""
        self.told += batches

    def listed(self, plan: Mapping[str, Any], name: str = "chunks") -> list[dict[str, Any]]:
        """Reads a list that a plan tells of."""
        read: list[dict[str, Any]] = orjson.loads(self.work.get(plan[name]["key"]) or b"[]")
        assert plan[name]["count"] in {0, len(read)}
        return read if plan[name]["count"] else []

    def dropped(
        self, key: str, body: bytes, metadata: Mapping[str, str] | None = None
    ) -> tuple[Batch, InputFile]:
        """Drops a file, and begins its batch."""
        found = self.inputs.drop(key, body, metadata)
        batch = Batch(
            id=upload_id(self.inputs.name, key, found.version or found.etag),
            model=None,
            version=None,
            source=BatchSource((key,)),
            options=BatchOptions(),
            created=NOW,
            status=Status.RUNNING,
        )
        self.store.add(batch)
        return batch, input_file(batch, 0, found, models)

    def chunks(self, batch: Batch, file: InputFile, size: int) -> list[Chunk]:
        """Cuts a file."""
        found = self.inputs.find(file.key, file.object_version)
        assert found is not None
        source = self.inputs.open(found)
        budget = Budget(Deadline.after(60), lambda: None)
        return plan_chunks(file, source, size, Staging(self.work, batch.id), budget)

    def transform(self, batch: Batch, chunk: Chunk) -> None:
        """Transforms a chunk, however often that takes."""
        rest: Chunk | None = chunk
        while rest is not None:
            rest = self.transformer.run(batch, rest, Deadline.after(60))
