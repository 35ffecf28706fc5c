"""A world in memory in which batches are transformed with the sample models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from triptych.batch.endings import BatchEndings
from triptych.batch.finisher import Finisher
from triptych.batch.ledger import BatchLedger
from triptych.batch.opening import input_file
from triptych.batch.places import Places
from triptych.batch.planner import Planner
from triptych.batch.transformer import Transformer
from triptych.batch.uploads import Steps, UploadLimits, Uploads
from triptych.batches.batch import Batch, BatchOptions, BatchSource, State
from triptych.batches.file import Chunk, InputFile
from triptych.batches.ids import upload_id
from triptych.batches.keys import staged_prefix
from triptych.bulk.planning.plan import plan_chunks
from triptych.errors import NotFound
from triptych.interfaces.deadline import Deadline
from triptych.serving.model import Model

from tests.support.batch_fakes import MemoryBatches, MemoryPredictions, MemoryWorkflow, WatchedBatches
from tests.support.job_fakes import NOW, JobClock
from tests.support.objects import DirectoryBucket
from tests.support.pieces import TINY
from tests.support.spooled import sample


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
    """

    def __init__(self, directory: Path) -> None:
        self.inputs = DirectoryBucket(directory / "inputs", "inputs", block=7)
        self.outputs = DirectoryBucket(directory / "outputs", "outputs")
        self.work = DirectoryBucket(directory / "work", "work", block=7)
        self.predictions = MemoryPredictions()
        self.store = MemoryBatches()
        self.observer = WatchedBatches()
        self.clock = JobClock()
        self.places = Places(self.inputs, self.outputs, self.work, self.predictions)
        self.transformer = Transformer(self.places, self.store, models, self.observer, TINY)
        self.finisher = Finisher(self.places, self.store, self.observer, 1769, self.clock)
        self.planner = Planner(self.places, self.store, models, self.finisher, 100)
        self.workflow = MemoryWorkflow()
        self.told: list[Batch] = []
        ledger = BatchLedger(self.store)
        endings = BatchEndings(self.store, ledger, self, self.observer, self.clock)
        self.steps = Steps(self.planner, self.transformer, self.finisher, endings, self.workflow)
        limits = UploadLimits(direct_bytes=10_000, attempts=3)
        self.uploads = Uploads(self.places, self.store, ledger, self.steps, limits, self.observer, self.clock)

    def publish(self, batch: Batch) -> None:
        """Remembers that the end of a batch was told; it is a notifier."""
        self.told.append(batch)

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
            state=State.RUNNING,
        )
        self.store.add(batch)
        return batch, input_file(batch, 0, found, models)

    def chunks(self, batch: Batch, file: InputFile, size: int) -> list[Chunk]:
        """Cuts a file."""
        found = self.inputs.find(file.key, file.object_version)
        assert found is not None
        source = self.inputs.open(found)
        prefix = f"{staged_prefix(batch.id)}{file.number:05d}/"
        return plan_chunks(file, source, size, self.work, prefix, Deadline.after(60), lambda: None)

    def transform(self, batch: Batch, chunk: Chunk) -> None:
        """Transforms a chunk, however often that takes."""
        rest: Chunk | None = chunk
        while rest is not None:
            rest = self.transformer.run(batch, rest, Deadline.after(60))
