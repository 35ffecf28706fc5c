"""Files that were dropped: small ones are transformed at once, large ones by the state machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from triptych.aws.objects import StoredObject
from triptych.batches.batch import Batch, BatchSource, upload_id
from triptych.batches.cancelling import Cancelled
from triptych.batches.chunk import Transformer
from triptych.batches.events import Upload
from triptych.batches.file import Chunk, Join
from triptych.batches.finalize import BatchEndings, BatchLedger
from triptych.batches.finish import Finisher, generation
from triptych.batches.places import Places
from triptych.batches.plan import Planner
from triptych.batches.starting import Starter
from triptych.batches.store import BatchStore
from triptych.batches.telemetry import BatchTelemetry
from triptych.batches.transitions import begun, failed, leased, planned, released
from triptych.clock import Clock, Deadline
from triptych.errors import Conflict, DeadlineExceeded, ServiceUnavailable, TriptychError
from triptych.lifecycle.failure import Failure
from triptych.rows.options import BatchOptions

_WHOLE = 2**62
"""Bytes of a chunk that takes any file."""

_SOON = 5
"""Seconds after which a file that somebody else is transforming is looked at again."""


_LATEST = 900
"""Seconds after which a file whose attempt failed is tried again, at the latest."""


class Steps(NamedTuple):
    """What a batch goes through.

    Attributes:
        planner: Cuts its files.
        transformer: Makes parts of chunks.
        finisher: Makes outputs of parts.
        endings: Ends it.
        starter: Hands it over to the state machine where it is large.
    """

    planner: Planner
    transformer: Transformer
    finisher: Finisher
    endings: BatchEndings
    starter: Starter


class UploadLimits(NamedTuple):
    """What one invocation takes on.

    Attributes:
        direct_bytes: Bytes of a file that is transformed at once.
        attempts: How often that is tried.
    """

    direct_bytes: int
    attempts: int


class Uploads:
    """Makes batches of files that were dropped.

    Args:
        places: Where batches read and write.
        store: Keeps the records.
        ledger: Moves batches.
        steps: What batches go through.
        limits: What one invocation takes on.
        observer: Is told about batches.
        clock: Gives the milliseconds since 1970.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - each is one thing that batches need
        self,
        places: Places,
        store: BatchStore,
        ledger: BatchLedger,
        steps: Steps,
        limits: UploadLimits,
        observer: BatchTelemetry,
        clock: Clock,
    ) -> None:
        self._places = places
        self._store = store
        self._ledger = ledger
        self._steps = steps
        self._limits = limits
        self._observer = observer
        self._clock = clock

    def take(self, upload: Upload, deadline: Deadline) -> int | None:
        """Deals with a file. It does not matter how often it is told, nor in which order.

        Args:
            upload: The file.
            deadline: When this must have ended.

        Returns:
            None when it is dealt with, else the seconds after which it shall be told again.

        Raises:
            ServiceUnavailable: Records cannot be reached.
        """
        found = self._places.inputs.find(upload.key, upload.version)
        if found is None or (upload.version is None and found.etag != upload.etag):
            return None  # removed, or replaced by what is an upload of its own
        batch = self._batch(upload)
        if batch.final:
            self._steps.endings.settle(batch)
            return None
        if batch.execution is not None:
            self._steps.starter.start(batch)  # perhaps it never was
            return None
        if leased(batch, self._clock()):
            return _SOON
        return self._attempted(batch, found, deadline)

    def _batch(self, upload: Upload) -> Batch:
        identity = upload_id(self._places.inputs.name, upload.key, upload.version or upload.etag)
        if known := self._store.get(identity):
            return known
        source = BatchSource(keys=(upload.key,))
        batch = Batch(identity, None, None, source, BatchOptions(), created=self._clock())
        if self._store.add(batch):
            self._observer.batch_accepted(batch)
            return batch
        return self._ledger.known(identity)

    def _attempted(self, batch: Batch, found: StoredObject, deadline: Deadline) -> int | None:
        if batch.attempts >= self._limits.attempts:
            self._give_up(batch)
            return None
        try:
            now = self._clock()
            lease = now + round(deadline.remaining * 1000)
            batch = self._ledger.move(batch, partial(begun, now=now, lease=lease))
            self._transform(batch, found, deadline)
        except Cancelled:
            return None
        except Conflict:  # somebody else was quicker
            return _SOON
        except TriptychError as error:
            return self._released(batch, error)
        return None

    def _transform(self, batch: Batch, found: StoredObject, deadline: Deadline) -> None:
        self._steps.finisher.begin(batch, 0, generation(found))
        if found.size > self._limits.direct_bytes:
            self._hand_over(batch, found)
            return
        chunks = self._steps.planner.chunks(batch, 0, found, deadline, _WHOLE)
        batch = self._ledger.move(batch, partial(planned, files=1, chunks=len(chunks)))
        if chunks and not self._made(batch, chunks[0], deadline):
            self._hand_over(batch, found)
            return
        self._steps.endings.finish(batch.id)

    def _made(self, batch: Batch, chunk: Chunk, deadline: Deadline) -> bool:
        """Makes the output of the only chunk; False when there was not enough time."""
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
        self._steps.starter.start(batch)

    def _released(self, batch: Batch, error: TriptychError) -> int:
        described = Failure.of(error)
        self._ledger.move(self._ledger.known(batch.id), partial(released, error=described))
        return min(_SOON << batch.attempts, _LATEST)

    def _give_up(self, batch: Batch) -> None:
        last = batch.error
        reason = last.message if last else "the function ended without a word, perhaps for want of memory"
        message = f"it was tried {batch.attempts} times; the last time: {reason}"
        error = Failure(last.type if last else ServiceUnavailable.kind, message, retryable=True)
        ending: Callable[[Batch], Batch] = partial(failed, now=self._clock(), error=error)
        self._steps.endings.end(batch, ending)
