"""Files that were dropped: small ones are transformed at once, large ones by the state machine."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from triptych.aws.objects import StoredObject
from triptych.batches.batch import Batch, BatchSource, upload_id
from triptych.batches.file import Chunk, Join
from triptych.batches.manifest import Generation
from triptych.batches.plan import WHOLE
from triptych.batches.service import BatchService
from triptych.batches.steps import FileSteps
from triptych.batches.store import BatchStorage, Cancelled
from triptych.batches.transitions import begun, leased, planned, released
from triptych.clock import Clock, Deadline
from triptych.errors import Conflict, DeadlineExceeded, ServiceUnavailable, TriptychError
from triptych.lifecycle.record import Failure
from triptych.rows.options import BatchOptions

_SOON = 5
"""Seconds after which a file that another worker transforms is looked at again."""

_LATEST = 900
"""Seconds after which a file whose attempt failed is tried again, at the latest."""


class Upload(NamedTuple):
    """A file that was dropped; its version is None where the bucket keeps none."""

    key: str
    version: str | None
    etag: str


class UploadLimits(NamedTuple):
    """Bytes of a file that is transformed at once, and how often that is tried."""

    direct_bytes: int
    attempts: int


class Uploads:
    """Transforms files that were dropped; each is a batch of its own."""

    def __init__(
        self,
        storage: BatchStorage,
        service: BatchService,
        steps: FileSteps,
        limits: UploadLimits,
        clock: Clock,
    ) -> None:
        self._batches = storage.batches
        self._inputs = storage.inputs
        self._service = service
        self._steps = steps
        self._limits = limits
        self._clock = clock

    def process(self, upload: Upload, deadline: Deadline) -> int | None:
        """Transforms a file, or hands it to the state machine.

        Events may be delivered more than once, and in any order.

        Returns:
            None when nothing is left to do, else the seconds after which the event is to be delivered again.

        Raises:
            ServiceUnavailable: Records cannot be reached.
        """
        found = self._inputs.find(upload.key, upload.version)
        if found is None or (upload.version is None and found.etag != upload.etag):
            return None  # removed, or replaced by what is an upload of its own
        batch = self._batch(upload)
        if batch.final:
            self._service.finalize(batch)
            return None
        if batch.execution is not None:
            self._service.start(batch)  # perhaps it never was
            return None
        if leased(batch, self._clock()):
            return _SOON
        if batch.attempts >= self._limits.attempts:
            self._give_up(batch)
            return None
        return self._attempt(batch, found, deadline)

    def _batch(self, upload: Upload) -> Batch:
        batch_id = upload_id(self._inputs.name, upload.key, upload.version or upload.etag)
        source = BatchSource(keys=(upload.key,))
        return self._batches.get(batch_id) or self._service.accept(
            Batch(batch_id, None, None, source, BatchOptions(), created=self._clock())
        )

    def _attempt(self, batch: Batch, found: StoredObject, deadline: Deadline) -> int | None:
        try:
            now = self._clock()
            lease = now + round(deadline.remaining * 1000)
            batch = self._batches.move(batch, partial(begun, now=now, lease=lease))
            self._transform(batch, found, deadline)
        except Cancelled:
            return None
        except Conflict:  # another worker was faster
            return _SOON
        except TriptychError as error:
            self._batches.move(self._batches.existing(batch.id), partial(released, error=Failure.of(error)))
            return min(_SOON << batch.attempts, _LATEST)
        return None

    def _transform(self, batch: Batch, found: StoredObject, deadline: Deadline) -> None:
        self._steps.finisher.begin(batch, 0, Generation.of(found))
        if found.size > self._limits.direct_bytes:
            self._hand_over(batch, found)
            return
        chunks = self._steps.planner.chunks(batch, 0, found, deadline, WHOLE)
        batch = self._batches.move(batch, partial(planned, files=1, chunks=len(chunks)))
        if chunks and not self._finished(batch, chunks[0], deadline):
            self._hand_over(batch, found)
            return
        self._service.finish(batch.id)

    def _finished(self, batch: Batch, chunk: Chunk, deadline: Deadline) -> bool:
        """Makes the output of the only chunk; returns False when there was not enough time."""
        join = Join(chunk.file, chunk.start, chunk.end)
        try:
            rest: Chunk | None = chunk
            while rest is not None:
                rest = self._steps.transformer.run(batch, rest, deadline)
        except DeadlineExceeded:
            return False
        except TriptychError as error:
            if error.retryable or isinstance(error, Cancelled):
                raise
            self._steps.finisher.refuse_file(batch, chunk.file, error)
            return True
        self._steps.finisher.finish(batch, join)
        return True

    def _hand_over(self, batch: Batch, found: StoredObject) -> None:
        self._steps.planner.keep_files(batch, [found])  # else the plan would find what has the key by then
        self._service.start(batch)

    def _give_up(self, batch: Batch) -> None:
        last = batch.error
        reason = last.message if last else "the function ended without a word, perhaps for want of memory"
        message = f"it was tried {batch.attempts} times; the last time: {reason}"
        kind = last.type if last else ServiceUnavailable.kind
        self._service.fail(batch.id, Failure(kind, message, retryable=True))
