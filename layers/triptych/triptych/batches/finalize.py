"""Moving batches from status to status, whoever else does the same.

How batches end, and that everybody who listens is told.
"""

from __future__ import annotations

from functools import partial

from triptych.aws.notifications import Notifier
from triptych.batches.batch import Batch
from triptych.batches.store import BatchStore
from triptych.batches.telemetry import BatchTelemetry
from triptych.batches.transitions import Transition, failed, finished, told
from triptych.clock import Clock
from triptych.errors import Conflict
from triptych.lifecycle.failure import Failure
from triptych.lifecycle.ledger import RecordLedger


class BatchLedger(RecordLedger[Batch]):
    """Moves batches by compare and swap on their revision.

    Args:
        store: Keeps the records.
    """

    def __init__(self, store: BatchStore) -> None:
        super().__init__(store, "batch")


class BatchEndings:
    """Ends batches. To end one again changes nothing, but that it is told if nobody did.

    Args:
        store: Keeps what became of files.
        ledger: Moves batches.
        notifier: Tells how batches ended.
        observer: Watches.
        clock: Gives the milliseconds since 1970.
    """

    def __init__(
        self,
        store: BatchStore,
        ledger: BatchLedger,
        notifier: Notifier[Batch],
        observer: BatchTelemetry,
        clock: Clock,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._notifier = notifier
        self._observer = observer
        self._clock = clock

    def finish(self, batch_id: str) -> Batch:
        """Ends a batch by what became of its files.

        Raises:
            Conflict: Nobody has begun with it.
            NotFound: There is no such batch.
            ServiceUnavailable: Something cannot be reached: finish it again later.
        """
        outcomes = self._store.outcomes(batch_id)
        return self.end(self._ledger.known(batch_id), partial(finished, now=self._clock(), outcomes=outcomes))

    def fail(self, batch_id: str, error: Failure) -> Batch:
        """Ends a batch that is not going to be transformed; raises what `finish` does."""
        return self.end(self._ledger.known(batch_id), partial(failed, now=self._clock(), error=error))

    def end(self, batch: Batch, transition: Transition) -> Batch:
        """Ends a batch, unless it has ended, and tells it.

        Args:
            batch: The record as it was read last.
            transition: To a final state.

        Returns:
            The batch as it ended, this way or another.

        Raises:
            Conflict: Its state does not allow it.
            NotFound: The record is gone.
            ServiceUnavailable: Something cannot be reached: end it again later.
        """
        moved = self._ledger.move(batch, lambda found: found if found.final else transition(found))
        if not batch.final and not moved.notified:
            self._observer.batch_ended(moved)
        self.settle(moved)
        return moved

    def settle(self, batch: Batch) -> None:
        """Tells the end of a batch, if nobody did.

        Args:
            batch: A batch in a final state.

        Raises:
            ServiceUnavailable: Somebody may not have been told: settle it again later.
        """
        if batch.notified:
            return
        self._notifier.publish(batch)
        try:
            self._ledger.move(batch, lambda found: told(_same_end(found, batch)))
        except Conflict:  # it was told by somebody else, and has been redriven since
            return


def _same_end(found: Batch, batch: Batch) -> Batch:
    if found.redrives != batch.redrives:
        raise Conflict(f"batch {batch.id} was redriven: how it ends now was not told")
    return found
