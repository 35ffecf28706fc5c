"""Looking after jobs that nobody else looks after: those that were not started in time, and ends not told."""

from __future__ import annotations

from typing import NamedTuple

from triptych.asynchronous.endings import Endings
from triptych.asynchronous.ledger import Ledger
from triptych.errors import Conflict, TriptychError
from triptych.interfaces.clock import Clock
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.job_observer import JobObserver
from triptych.interfaces.job_store import JobStore
from triptych.jobs.job import Job
from triptych.jobs.transitions import expired, overdue

_AT_ONCE = 100


class Swept(NamedTuple):
    """What a sweep did.

    Attributes:
        settled: Jobs that were ended, or whose end was told.
        failed: Jobs with which that did not work; the next sweep tries again.
    """

    settled: int
    failed: int


class Sweep:
    """Ends jobs that are overdue, and tells ends that were not told.

    Args:
        store: Keeps the records.
        endings: Settles jobs that have ended.
        observer: Is told about every job that is ended.
        clock: Tells the time.
    """

    def __init__(self, store: JobStore, endings: Endings, observer: JobObserver, clock: Clock) -> None:
        self._store = store
        self._ledger = Ledger(store)
        self._endings = endings
        self._observer = observer
        self._clock = clock

    def run(self, deadline: Deadline) -> Swept:
        """Looks after all jobs that need it, or as many as there is time for.

        Args:
            deadline: When it must have ended.
        """
        done: set[str] = set()
        failures: set[str] = set()
        while deadline.remaining > 0:
            found = self._store.unattended(self._clock(), _AT_ONCE + len(failures))
            new = [job_id for job_id in found if job_id not in done | failures]
            if not new:
                break
            for job_id in new:
                (done if self._attended(job_id) else failures).add(job_id)
        return Swept(len(done), len(failures))

    def _attended(self, job_id: str) -> bool:
        try:
            job = self._store.get(job_id)
            if job is not None:
                self._attend(job)
        except TriptychError as error:
            self._observer.unexpected(error)
            return False
        return True

    def _attend(self, job: Job) -> None:
        if overdue(job, self._clock()):
            try:
                job = self._ledger.move(job, lambda found: expired(found, self._clock()))
            except Conflict:  # it was started or ended meanwhile
                return
            self._observer.job_ended(job)
        if job.final:
            self._endings.settle(job)
