"""Accepting batches: a reminder first, then the record, then the state machine.

What callers do with batches: look, wait, cancel, start again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from triptych.aws.workflow import Workflow
from triptych.batches.batch import Batch, BatchSource, Status, derived_id, random_id, scheduled_id
from triptych.batches.batch import batch_id as checked
from triptych.batches.document import Progress, progress
from triptych.batches.file import FileOutcome
from triptych.batches.finalize import BatchEndings, BatchLedger
from triptych.batches.starting import Starter
from triptych.batches.store import BatchPage, BatchStore
from triptych.batches.submission import Submission
from triptych.batches.telemetry import BatchTelemetry
from triptych.batches.transitions import cancelled, redriven
from triptych.clock import Clock, Deadline
from triptych.errors import Conflict, ServiceUnavailable
from triptych.lifecycle.failure import Failure
from triptych.lifecycle.listing import awaited, selected


class BatchSubmitter:
    """Accepts batches.

    Args:
        store: Keeps the records.
        starter: Starts batches.
        endings: Ends those that cannot be started.
        observer: Is told about every new batch.
        clock: Gives the milliseconds since 1970.
    """

    def __init__(
        self,
        store: BatchStore,
        starter: Starter,
        endings: BatchEndings,
        observer: BatchTelemetry,
        clock: Clock,
    ) -> None:
        self._store = store
        self._ledger = BatchLedger(store)
        self._starter = starter
        self._endings = endings
        self._observer = observer
        self._clock = clock

    def submit(self, submission: Submission, key: tuple[str, str] | None = None) -> Batch:
        """Accepts a batch, or gives the one that the same key made before.

        Args:
            submission: What the batch is for.
            key: Whose idempotency key, and the key; None when every call is a batch of its own.

        Raises:
            Conflict: The key was used for something else.
            ServiceUnavailable: The batch could not be accepted.
        """
        batch = submission.batch(derived_id(*key) if key else random_id(), self._clock())
        found = self._kept(batch)
        if not submission.made(found):
            raise Conflict(
                f"the idempotency key was used for batch {found.id}, which asks for something else; "
                "choose another key, or send what was sent before"
            )
        return self._started(found, shared=key is not None)

    def scheduled(self, prefix: str, time: str) -> Batch:
        """Accepts the batch of all new files under a prefix, or gives the one that the same time made before.

        Args:
            prefix: What the keys of the files begin with.
            time: When it was to start, as the schedule writes it.

        Raises:
            ServiceUnavailable: The batch could not be accepted.
        """
        submission = Submission(BatchSource(prefix=prefix, only_new=True))
        batch = self._kept(submission.batch(scheduled_id(prefix, time), self._clock()))
        return self._started(batch, shared=True)

    def _kept(self, batch: Batch) -> Batch:
        self._starter.remind(batch.id)
        if not self._store.add(batch):
            return self._ledger.known(batch.id)
        self._observer.batch_accepted(batch)
        return batch

    def _started(self, batch: Batch, *, shared: bool) -> Batch:
        if (
            batch.status is not Status.QUEUED or batch.execution is not None
        ):  # else a call died before it started it
            return batch
        try:
            return self._starter.start(batch)
        except ServiceUnavailable as error:
            if not shared:  # the answer says that there is no batch: the caller may well make another one
                self._endings.fail(batch.id, Failure.of(error))
            raise


PARTS_DAYS = 6
"""Days for which a batch can be started again: what it has made stays until that run must have ended."""

_DAY = 86_400_000

_DONE = {Status.SUCCEEDED, Status.SUCCEEDED_WITH_ERRORS}
"""States in which the record knows all of it."""


class View(NamedTuple):
    """A batch, and how far it has come.

    Attributes:
        batch: The batch.
        made: How far it has come.
        outcomes: What became of its files so far.
    """

    batch: Batch
    made: Progress
    outcomes: Sequence[FileOutcome]


class BatchDesk:
    """Serves callers.

    Args:
        store: Keeps the records.
        starter: Starts batches.
        endings: Ends batches.
        workflow: Runs them.
        clock: Gives the milliseconds since 1970.
    """

    def __init__(
        self,
        store: BatchStore,
        starter: Starter,
        endings: BatchEndings,
        workflow: Workflow,
        clock: Clock,
    ) -> None:
        self._store = store
        self._ledger = BatchLedger(store)
        self._starter = starter
        self._endings = endings
        self._workflow = workflow
        self._clock = clock

    def batch(self, batch_id: str) -> Batch:
        """Gives a batch.

        Raises:
            NotFound: There is no such batch.
        """
        return self._ledger.known(checked(batch_id))

    def wait(self, batch_id: str, seconds: float, deadline: Deadline) -> Batch:
        """Gives a batch as soon as it has ended, or as it is when the time is over.

        Raises:
            NotFound: There is no such batch.
        """
        return awaited(lambda: self.batch(batch_id), min(Deadline.after(seconds), deadline))

    def view(self, batch: Batch) -> View:
        """Looks how far a batch has come."""
        outcomes = self._store.outcomes(batch.id)
        parts = () if batch.status in _DONE else self._store.parts(batch.id)
        return View(batch, progress(parts, outcomes), outcomes)

    def cancel(self, batch_id: str) -> Batch:
        """Cancels a batch: what is under way ends within seconds; to do so again changes nothing.

        Raises:
            NotFound: There is no such batch.
            Conflict: It ended in another way.
        """
        batch = self._endings.end(self.batch(batch_id), partial(cancelled, now=self._clock()))
        if batch.status is not Status.CANCELLED:
            raise Conflict(f"batch {batch.id} is {batch.status}: it cannot be cancelled")
        if batch.execution is not None:
            self._workflow.stop(batch.execution)
        return batch

    def redrive(self, batch_id: str) -> Batch:
        """Starts a batch again that failed, or lost files, for a reason that may be gone.

        What is done is not done again.

        Raises:
            NotFound: There is no such batch.
            Conflict: Nothing of it has failed, or it would fail again, or it is too old.
            ServiceUnavailable: It could not be started. If it is queued by then, its reminder starts it.
        """
        batch = self.batch(batch_id)
        if not _waits_for_start(batch):
            redriven(batch)  # refuses before anything is forgotten
            self._check_parts(batch)
            self._endings.settle(batch)  # its failure is told before it is not true any more
            self._starter.remind(batch.id)
            self._store.forget_outcomes(batch.id)
            batch = self._ledger.move(self._ledger.known(batch.id), redriven)
        return self._starter.start(batch)

    def page(self, *, model: str | None, status: Status | None, after: str | None, limit: int) -> BatchPage:
        """Lists batches, newest first. A page may be short and have a next one all the same.

        Args:
            model: Only batches that were asked for with this model, or whose files' keys name it.
            status: Only batches with this status.
            after: `next` of the page before.
            limit: At most so many.
        """
        if model is None and status is None:
            return self._store.newest(after=after, limit=limit)

        def read(place: str | None, most: int) -> tuple[Sequence[Batch], str | None]:
            return self._store.newest(after=place, limit=most)

        def wanted(batch: Batch) -> bool:
            return status in {None, batch.status} and (model is None or _is_of(batch, model))

        return BatchPage(*selected(read, wanted, after, limit))

    def _check_parts(self, batch: Batch) -> None:
        if self._clock() - batch.created >= PARTS_DAYS * _DAY:
            raise Conflict(
                f"batch {batch.id} is too old: what was made of its files is deleted; submit it again"
            )


def _waits_for_start(batch: Batch) -> bool:
    # A redrive that died before it started the state machine is made again.
    return batch.status is Status.QUEUED and batch.redrives > 0 and batch.execution is None


def _is_of(batch: Batch, model: str) -> bool:
    if batch.model is not None:
        return batch.model == model
    source = batch.source
    if source.listed:
        return model in source.listed.models
    keys = source.keys or (source.prefix or "",)
    return any(key.startswith(f"{model}/") for key in keys)
