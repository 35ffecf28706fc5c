"""Accepting batches: the record first, then the state machine."""

from __future__ import annotations

from triptych.batch.endings import BatchEndings
from triptych.batch.ledger import BatchLedger
from triptych.batch.starting import Starter
from triptych.batches.batch import Batch, BatchError, State
from triptych.batches.ids import derived_id, random_id
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
        if self._store.add(batch):
            self._observer.batch_accepted(batch)
        else:
            batch = self._again(submission, batch.id)
        waits = batch.state is State.QUEUED and batch.execution is None  # the first call may have died by now
        return self._started(batch, shared=key is not None) if waits else batch

    def _again(self, submission: Submission, identity: str) -> Batch:
        found = self._ledger.known(identity)
        if not submission.made(found):
            raise Conflict(
                f"the idempotency key was used for batch {found.id}, which asks for something else; "
                "choose another key, or send what was sent before"
            )
        return found

    def _started(self, batch: Batch, *, shared: bool) -> Batch:
        try:
            return self._starter.start(batch)
        except ServiceUnavailable as error:
            if not shared:  # the next call with the key starts it; without one, nobody would
                self._endings.fail(batch.id, BatchError(type(error).__name__, str(error), retryable=True))
            raise
