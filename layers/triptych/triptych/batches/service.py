"""The life of a batch: submitted, started on the state machine, watched, cancelled, ended, redriven.

A reminder is queued before a batch is recorded: if the process dies before it has started the state machine,
the function of uploads starts the batch a minute later.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from triptych.aws.queue import Queue
from triptych.aws.workflow import Workflow
from triptych.batches.batch import IDS, Batch, BatchSource, Status, derived_id, execution_name, scheduled_id
from triptych.batches.document import Progress, progress_of
from triptych.batches.file import FileOutcome
from triptych.batches.store import BatchStorage
from triptych.batches.submission import Submission, shortened
from triptych.batches.telemetry import BatchTelemetry
from triptych.batches.transitions import Transition, cancelled, failed, finished, handed_over, redriven
from triptych.clock import Clock, Deadline
from triptych.errors import Conflict, ServiceUnavailable
from triptych.lifecycle.finalize import Finalizer, wait_until_final
from triptych.lifecycle.record import Failure, random_id
from triptych.lifecycle.store import Page
from triptych.protocol.json_document import dump

REMINDER_SECONDS = 60
"""Seconds until a reminder is delivered: the function that accepts batches has ended by then, it has 28."""

PARTS_DAYS = 6
"""Days in which a batch can be redriven: its parts stay until that run must have ended."""

_DAY = 86_400_000

_COMPLETE = {Status.SUCCEEDED, Status.SUCCEEDED_WITH_ERRORS}
"""Statuses in which the record has all counts."""


class StateMachine(NamedTuple):
    """What runs batches, and the queue of the function that starts those which nobody has started."""

    workflow: Workflow
    reminders: Queue


class View(NamedTuple):
    """A batch, how far it has come, and the outcomes of its files so far."""

    batch: Batch
    progress: Progress
    outcomes: Sequence[FileOutcome]


class BatchService:
    """Accepts, starts and ends batches, and serves callers who have some.

    Methods raise `NotFound` for a batch that there is not, and `ServiceUnavailable` when something cannot be
    reached. Repeat the call then: to start or end a batch again changes nothing.
    """

    def __init__(
        self,
        storage: BatchStorage,
        finalizer: Finalizer[Batch],
        machine: StateMachine,
        telemetry: BatchTelemetry,
        clock: Clock,
    ) -> None:
        self._batches = storage.batches
        self._work = storage.work
        self._finalizer = finalizer
        self._machine = machine
        self._telemetry = telemetry
        self._clock = clock

    # ------------------------------------------------------------------------------- begin

    def submit(self, submission: Submission, key: tuple[str, str] | None = None) -> Batch:
        """Accepts and starts a batch; returns the same one for the same idempotency key of the same caller.

        Raises:
            Conflict: The key was used for something else.
        """
        submission = submission._replace(source=shortened(self._work, submission.source))
        batch = self._queued(submission.batch(derived_id(*key) if key else random_id(), self._clock()))
        if not submission.matches(batch):
            raise IDS.key_used(batch.id)
        try:
            return self._started(batch)
        except ServiceUnavailable as error:
            if key is None:  # the answer says that there is no batch: the caller may well make another one
                self.fail(batch.id, Failure.of(error))
            raise

    def schedule(self, prefix: str, time: str) -> Batch:
        """Accepts and starts the batch of new files under a prefix; the same time makes the same batch."""
        submission = Submission(BatchSource(prefix=prefix, only_new=True))
        return self._started(self._queued(submission.batch(scheduled_id(prefix, time), self._clock())))

    def accept(self, batch: Batch) -> Batch:
        """Records a new batch; returns the one that has its id where there is one."""
        if not self._batches.add(batch):
            return self._batches.existing(batch.id)
        self._telemetry.batch_accepted(batch)
        return batch

    def start(self, batch: Batch) -> Batch:
        """Starts an execution, then records it: a record of no execution would wait for ever.

        The batch is returned as it is by then: it may have ended.
        """
        self._machine.workflow.start(execution_name(batch.id, batch.redrives), batch.id)
        try:
            return self._batches.move(batch, partial(handed_over, now=self._clock()))
        except Conflict:  # it has ended already
            return self._batches.existing(batch.id)

    def remind(self, batch_id: str) -> None:
        """Starts a batch that is recorded and that nobody has started, or ends it as failed."""
        batch = self._batches.get(batch_id)
        if batch is None or not _waits(batch):
            return
        try:
            self.start(batch)
        except ServiceUnavailable as error:
            reason = f"it could not be started: {error}; redrive the batch"
            self.fail(batch.id, Failure(error.kind, reason, retryable=True))

    # ------------------------------------------------------------------------------- look

    def get(self, batch_id: str) -> Batch:
        """Returns a batch; raises `NotFound` if there is no such batch."""
        return self._batches.existing(IDS.checked(batch_id))

    def wait(self, batch_id: str, seconds: float, deadline: Deadline) -> Batch:
        """Returns a batch as soon as it has ended, or as it is when the time is over."""
        return wait_until_final(lambda: self.get(batch_id), min(Deadline.after(seconds), deadline))

    def view(self, batch: Batch) -> View:
        """Reads how far a batch has come."""
        outcomes = self._batches.outcomes(batch.id)
        parts = () if batch.status in _COMPLETE else self._batches.parts(batch.id)
        return View(batch, progress_of(parts, outcomes), outcomes)

    def newest(
        self, *, model: str | None, status: Status | None, after: str | None, limit: int
    ) -> Page[Batch]:
        """Lists batches, newest first. A page may be short and have a next one all the same.

        A model is that of batches, or that the keys of their files name; None is for all.

        Raises:
            BadRequest: `after` is no token of a page.
        """
        if model is None and status is None:
            return self._batches.newest(after=after, limit=limit)

        def matches(batch: Batch) -> bool:
            return status in {None, batch.status} and (model is None or _names(batch, model))

        return self._batches.search(matches, after=after, limit=limit)

    # ------------------------------------------------------------------------------- end

    def finish(self, batch_id: str) -> Batch:
        """Ends a batch by the outcomes of its files.

        Raises:
            Conflict: Nobody has begun with it.
        """
        outcomes = self._batches.outcomes(batch_id)
        ending = partial(finished, now=self._clock(), outcomes=outcomes)
        return self._end(self._batches.existing(batch_id), ending)

    def fail(self, batch_id: str, failure: Failure) -> Batch:
        """Ends a batch that cannot be transformed; raises what `finish` does."""
        ending = partial(failed, now=self._clock(), error=failure)
        return self._end(self._batches.existing(batch_id), ending)

    def cancel(self, batch_id: str) -> Batch:
        """Cancels a batch: workers end within seconds; to cancel it again changes nothing.

        Raises:
            Conflict: It ended in another way.
        """
        batch = self._end(self.get(batch_id), partial(cancelled, now=self._clock()))
        if batch.status is not Status.CANCELLED:
            raise Conflict(f"batch {batch.id} is {batch.status}: it cannot be cancelled")
        if batch.execution is not None:
            self._machine.workflow.stop(batch.execution)
        return batch

    def execution_ended(self, execution: str, batch_id: str, failure: Failure) -> None:
        """Ends a batch whose execution was killed, or ran out of time."""
        batch = self._batches.get(batch_id)
        if batch is None or execution != execution_name(batch.id, batch.redrives):
            return  # of no batch, or from before the batch was redriven
        self.fail(batch.id, failure)

    def finalize(self, batch: Batch) -> None:
        """Notifies subscribers of the end of a batch, if nobody did."""
        self._finalizer.finalize(batch)

    def redrive(self, batch_id: str) -> Batch:
        """Starts a batch again that failed, or lost files, for a reason that may have passed.

        Finished files and parts are kept.

        Raises:
            Conflict: Nothing of it has failed, or it would fail again, or it is too old.
            ServiceUnavailable: It could not be started. If it is queued by then, its reminder starts it.
        """
        batch = self.get(batch_id)
        if not (_waits(batch) and batch.redrives):  # else a redrive died before it started the state machine
            redriven(batch)  # raises before anything is deleted
            if self._clock() - batch.created >= PARTS_DAYS * _DAY:
                raise Conflict(
                    f"batch {batch.id} is too old: what was made of its files is deleted; submit it again"
                )
            self.finalize(batch)  # subscribers hear of the failure before it is not true any more
            self._send_reminder(batch.id)
            self._batches.forget_outcomes(batch.id)
            batch = self._batches.move(self._batches.existing(batch.id), redriven)
        return self.start(batch)

    def _queued(self, batch: Batch) -> Batch:
        self._send_reminder(batch.id)
        return self.accept(batch)

    def _send_reminder(self, batch_id: str) -> None:
        self._machine.reminders.send(dump({"start": batch_id}).decode(), REMINDER_SECONDS)

    def _started(self, batch: Batch) -> Batch:
        """Starts a batch, unless an earlier call with its key did."""
        return self.start(batch) if _waits(batch) else batch

    def _end(self, batch: Batch, transition: Transition) -> Batch:
        """Ends a batch, unless it has ended, and notifies subscribers."""
        moved = self._batches.move(batch, lambda found: found if found.final else transition(found))
        if not batch.final and not moved.notified:
            self._telemetry.batch_ended(moved)
        self.finalize(moved)
        return moved


def _waits(batch: Batch) -> bool:
    """Returns whether a batch waits for its start."""
    return batch.status is Status.QUEUED and batch.execution is None


def _names(batch: Batch, model: str) -> bool:
    """Returns whether a batch, or the keys of its files, name a model."""
    if batch.model is not None:
        return batch.model == model
    source = batch.source
    if source.listed:
        return model in source.listed.models
    keys = source.keys or (source.prefix or "",)
    return any(key.startswith(f"{model}/") for key in keys)
