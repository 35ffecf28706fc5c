"""Moving batches from state to state, whoever else does the same."""

from __future__ import annotations

from triptych.batches.batch import Batch
from triptych.interfaces.batch_store import BatchStore
from triptych.interfaces.ledger import RecordLedger


class BatchLedger(RecordLedger[Batch]):
    """Moves batches by compare and swap on their revision.

    Args:
        store: Keeps the records.
    """

    def __init__(self, store: BatchStore) -> None:
        super().__init__(store, "batch")
