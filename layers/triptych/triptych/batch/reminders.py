"""Batches that nobody started, because a process died: the reminder that it sent starts or ends them."""

from __future__ import annotations

from triptych.batch.endings import BatchEndings
from triptych.batch.starting import Starter
from triptych.batches.batch import BatchError, State
from triptych.errors import ServiceUnavailable
from triptych.interfaces.batch_store import BatchStore


class Reminders:
    """Starts batches that are recorded as queued and that nobody has started.

    Args:
        store: Keeps the records.
        starter: Starts batches.
        endings: Ends those that cannot be started.
    """

    def __init__(self, store: BatchStore, starter: Starter, endings: BatchEndings) -> None:
        self._store = store
        self._starter = starter
        self._endings = endings

    def take(self, batch_id: str) -> None:
        """Starts a batch, or ends it as failed. It does not matter how often this is done.

        Args:
            batch_id: Id of a batch, which may never have been recorded.

        Raises:
            ServiceUnavailable: Records cannot be reached: do it again later.
        """
        batch = self._store.get(batch_id)
        if batch is None or batch.state is not State.QUEUED or batch.execution is not None:
            return
        try:
            self._starter.start(batch)
        except ServiceUnavailable as error:
            reason = f"it could not be started: {error}; redrive the batch"
            self._endings.fail(batch.id, BatchError(type(error).__name__, reason, retryable=True))
