"""What callers do with jobs that they handed over: look, wait, cancel, queue again."""

from __future__ import annotations

from collections.abc import Sequence

from triptych.asynchronous.endings import Endings
from triptych.asynchronous.ledger import Ledger
from triptych.errors import Conflict, ServiceUnavailable
from triptych.interfaces.clock import Clock
from triptych.interfaces.deadline import Deadline
from triptych.interfaces.job_observer import JobObserver
from triptych.interfaces.job_queue import JobQueue
from triptych.interfaces.job_store import JobStore, Page
from triptych.interfaces.listing import selected
from triptych.interfaces.polling import awaited
from triptych.jobs import transitions
from triptych.jobs.document import status_at
from triptych.jobs.envelope import seal
from triptych.jobs.ids import job_id as checked
from triptych.jobs.job import Job, JobError, Status


class Desk:
    """Serves callers.

    Args:
        store: Keeps the records.
        endings: Settles jobs that end here.
        queue: Where messages are sent to.
        observer: Is told how jobs ended, and what could not be settled.
        clock: Tells the time.
    """

    def __init__(
        self, store: JobStore, endings: Endings, queue: JobQueue, observer: JobObserver, clock: Clock
    ) -> None:
        self._store = store
        self._ledger = Ledger(store)
        self._endings = endings
        self._queue = queue
        self._observer = observer
        self._clock = clock

    def job(self, job_id: str) -> Job:
        """Gives a job; one that was not started in time has expired.

        Raises:
            NotFound: There is no such job.
        """
        job = self._ledger.known(checked(job_id))
        if not transitions.overdue(job, self._clock()):
            return job
        try:
            return self._end(job, lambda found: transitions.expired(found, self._clock()))
        except Conflict:  # somebody was faster
            return self._ledger.known(job.id)

    def wait(self, job_id: str, seconds: float, deadline: Deadline) -> Job:
        """Gives a job as soon as it has ended, or as it is when the time is over.

        Raises:
            NotFound: There is no such job.
        """
        return awaited(lambda: self.job(job_id), min(Deadline.after(seconds), deadline))

    def cancel(self, job_id: str) -> Job:
        """Cancels a job; to do so again changes nothing.

        Raises:
            NotFound: There is no such job.
            Conflict: It ended in another way.
        """
        job = self.job(job_id)
        try:
            return self._end(job, lambda found: transitions.cancelled(found, self._clock()))
        except Conflict:
            job = self._ledger.known(job.id)
            if job.status is not Status.CANCELLED:
                raise
            return job

    def redrive(self, job_id: str, time_to_live: int) -> Job:
        """Queues a job again that failed for a reason that may be gone.

        Args:
            job_id: Id of the job.
            time_to_live: Seconds in which it must be started.

        Raises:
            NotFound: There is no such job.
            Conflict: It has not failed, or would fail again.
            ServiceUnavailable: It could not be queued: it stays as it is.
        """
        job = self.job(job_id)
        if job.final and not job.notified:
            self._endings.settle(job)  # its failure is told before it is not true any more
            job = self._ledger.known(job.id)
        expires = self._clock() + 1000 * time_to_live
        error = job.error
        if not _waits_for_message(job):
            job = self._ledger.move(job, lambda found: transitions.redriven(found, expires))
        try:
            self._queue.send(seal(job, None))
        except ServiceUnavailable:
            if error is not None:
                self._failed_again(job, error)
            raise
        return job

    def page(self, *, model: str | None, status: Status | None, after: str | None, limit: int) -> Page:
        """Lists jobs, newest first. A page may be short and have a next one all the same.

        Args:
            model: Only jobs of this model.
            status: Only jobs in this state.
            after: `next` of the page before.
            limit: At most so many.
        """
        if status is None:
            return self._store.newest(model=model, after=after, limit=limit)
        now = self._clock()

        def read(place: str | None, most: int) -> tuple[Sequence[Job], str | None]:
            return self._store.newest(model=model, after=place, limit=most)

        return Page(*selected(read, lambda job: status_at(job, now) is status, after, limit))

    def _end(self, job: Job, transition: transitions.Transition) -> Job:
        ended = self._ledger.move(job, transition)
        self._observer.job_ended(ended)
        try:
            self._endings.settle(ended)
        except ServiceUnavailable as error:  # the sweep settles it; what the caller asked for is done
            self._observer.unexpected(error)
        return ended

    def _failed_again(self, job: Job, error: JobError) -> None:
        failed = transitions.failed(job, self._clock(), error)
        if self._store.replace(failed):  # otherwise the message arrived, and a worker goes on from there
            self._endings.settle(failed)


def _waits_for_message(job: Job) -> bool:
    # A redrive that died before it sent its message is made again.
    return job.status is Status.QUEUED and job.redrives > 0 and not job.attempts
