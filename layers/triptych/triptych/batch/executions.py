"""Executions of the state machine that ended without the last word of one of our functions."""

from __future__ import annotations

from triptych.batch.endings import BatchEndings
from triptych.batch.events import EndedExecution
from triptych.batch.failures import batch_failure
from triptych.batches.ids import execution_name
from triptych.interfaces.batch_store import BatchStore


class Executions:
    """Ends batches whose execution was killed, or ran out of time.

    Args:
        store: Keeps the records.
        endings: Ends batches.
    """

    def __init__(self, store: BatchStore, endings: BatchEndings) -> None:
        self._store = store
        self._endings = endings

    def ended(self, execution: EndedExecution) -> None:
        """Deals with the end of an execution. It does not matter how often it is told.

        Raises:
            ServiceUnavailable: Records cannot be reached.
        """
        batch = self._store.get(execution.batch)
        if batch is None or execution.name != execution_name(batch.id, batch.redrives):
            return  # nobody's, or of the time before the batch was started again
        self._endings.fail(batch.id, batch_failure({"Error": execution.error, "Cause": execution.cause}))
