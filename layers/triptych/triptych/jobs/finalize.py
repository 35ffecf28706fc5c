"""Moving jobs from state to state, whoever else does the same.

What follows from the end of a job: no result but of success, and everybody who listens is told.
"""

from __future__ import annotations

from triptych.errors import Conflict
from triptych.jobs.job import Job, Status
from triptych.jobs.payloads import ResultStore
from triptych.jobs.store import JobStore
from triptych.jobs.transitions import told
from triptych.lifecycle.ledger import RecordLedger
from triptych.lifecycle.notifier import Notifier


class Ledger(RecordLedger[Job]):
    """Moves jobs by compare and swap on their revision.

    Args:
        store: Keeps the records.
    """

    def __init__(self, store: JobStore) -> None:
        super().__init__(store, "job")


class Endings:
    """Settles jobs that have ended. To settle one again changes nothing.

    Args:
        ledger: Moves jobs.
        results: Keeps results.
        notifier: Tells how jobs ended.
    """

    def __init__(self, ledger: Ledger, results: ResultStore, notifier: Notifier[Job]) -> None:
        self._ledger = ledger
        self._results = results
        self._notifier = notifier

    def settle(self, job: Job) -> None:
        """Deletes what a job that did not succeed left behind, and tells its end if nobody did.

        Args:
            job: A job in a final state.

        Raises:
            ServiceUnavailable: Something cannot be reached: settle it again later.
        """
        if job.status is not Status.SUCCEEDED:
            self._results.delete(job)
        if job.notified:
            return
        self._notifier.publish(job)
        try:
            self._ledger.move(job, lambda found: told(_same_end(found, job)))
        except Conflict:  # it was told by somebody else, and has been redriven since
            return


def _same_end(found: Job, job: Job) -> Job:
    if found.redrives != job.redrives:
        raise Conflict(f"job {job.id} was redriven: how it ends now was not told")
    return found
