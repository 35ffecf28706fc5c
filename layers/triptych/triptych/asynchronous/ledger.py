"""Moving jobs from state to state, whoever else does the same."""

from __future__ import annotations

from triptych.interfaces.job_store import JobStore
from triptych.interfaces.ledger import RecordLedger
from triptych.jobs.job import Job


class Ledger(RecordLedger[Job]):
    """Moves jobs by compare and swap on their revision.

    Args:
        store: Keeps the records.
    """

    def __init__(self, store: JobStore) -> None:
        super().__init__(store, "job")
