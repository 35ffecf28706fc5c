"""Accepting batches: a reminder first, then the record, then the state machine."""

from __future__ import annotations

from triptych.batch.endings import BatchEndings
from triptych.batch.ledger import BatchLedger
from triptych.batch.starting import Starter
from triptych.batches.batch import Batch, BatchError, BatchSource, State
from triptych.batches.ids import derived_id, random_id, scheduled_id
from triptych.batches.submission import Submission
from triptych.errors import Conflict, ServiceUnavailable
from triptych.interfaces.batch_observer import BatchObserver
from triptych.interfaces.batch_store import BatchStore
from triptych.interfaces.clock import Clock


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
        observer: BatchObserver,
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
            batch.state is not State.QUEUED or batch.execution is not None
        ):  # else a call died before it started it
            return batch
        try:
            return self._starter.start(batch)
        except ServiceUnavailable as error:
            if not shared:  # the answer says that there is no batch: the caller may well make another one
                self._endings.fail(batch.id, BatchError(type(error).__name__, str(error), retryable=True))
            raise
