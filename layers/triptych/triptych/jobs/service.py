"""Accepting jobs: the record first, then the message.

What callers do with jobs that they handed over: look, wait, cancel, queue again.
"""

from __future__ import annotations

from collections.abc import Sequence

from triptych.aws.queue import JobQueue
from triptych.clock import Clock, Deadline
from triptych.errors import Conflict, ServiceUnavailable
from triptych.jobs import transitions
from triptych.jobs.document import status_at
from triptych.jobs.finalize import Endings, Ledger
from triptych.jobs.job import Job, Status, derived_id, random_id
from triptych.jobs.job import job_id as checked
from triptych.jobs.message import seal
from triptych.jobs.payloads import InputStore
from triptych.jobs.store import JobStore, Page
from triptych.jobs.submission import Submission
from triptych.jobs.telemetry import JobObserver
from triptych.lifecycle.failure import Failure
from triptych.lifecycle.listing import awaited, selected

MAX_INLINE = 256 * 2**10
"""Bytes of an input that travels in the message: up to there SQS costs less than a write to S3, and a message
of 1 MiB holds it in base64."""


class Submitter:
    """Accepts jobs.

    Args:
        store: Keeps the records.
        inputs: Keeps inputs that are too large for a message.
        queue: Where messages are sent to.
        observer: Is told about every new job.
        clock: Tells the time.
    """

    def __init__(
        self, store: JobStore, inputs: InputStore, queue: JobQueue, observer: JobObserver, clock: Clock
    ) -> None:
        self._store = store
        self._inputs = inputs
        self._queue = queue
        self._observer = observer
        self._clock = clock

    def submit(self, submission: Submission, key: tuple[str, str] | None = None) -> Job:
        """Accepts a job, or gives the one that the same key made before.

        Args:
            submission: What the job is made of.
            key: Whose idempotency key, and the key; None when every call is a job of its own.

        Raises:
            Conflict: The key was used for something else.
            ServiceUnavailable: The job could not be accepted.
        """
        job = submission.job(derived_id(*key) if key else random_id(), self._clock())
        found = self._store.get(job.id) if key else None
        if found is None:
            submission, job = self._with_large_input_kept(submission, job)
            found = None if self._store.add(job) else self._store.get(job.id)
        if found is not None:
            return self._again(found, job, submission)
        self._send(job, submission, forget=key is None)
        self._observer.job_submitted(job)
        return job

    def _with_large_input_kept(self, submission: Submission, job: Job) -> tuple[Submission, Job]:
        if submission.body is None or len(submission.body) <= MAX_INLINE:
            return submission, job
        # The digest in the name keeps two inputs apart that come with the same key at the same time.
        location = self._inputs.put(f"{job.id}/{job.digest[:16]}", submission.body)
        return submission._replace(body=None), job._replace(input=location)

    def _again(self, found: Job, job: Job, submission: Submission) -> Job:
        if found.digest != job.digest:
            raise Conflict(
                f"the idempotency key was used for job {found.id}, which asks for something else; "
                "choose another key, or send what was sent before"
            )
        if (
            found.status is Status.QUEUED and not found.attempts
        ):  # the first call may have died before it sent
            body = None if found.input else submission.body
            self._queue.send(seal(found, body), submission.options.delay)
        return found

    def _send(self, job: Job, submission: Submission, *, forget: bool) -> None:
        try:
            self._queue.send(seal(job, submission.body), submission.options.delay)
        except ServiceUnavailable:
            # Another call with the same key may have been told of it, and the next one sends the message.
            # Of any other nobody knows; should its message have arrived, that makes it again.
            if forget:
                self._store.remove(job)
            raise


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
            status: Only jobs with this status.
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

    def _failed_again(self, job: Job, error: Failure) -> None:
        failed = transitions.failed(job, self._clock(), error)
        if self._store.replace(failed):  # otherwise the message arrived, and a worker goes on from there
            self._endings.settle(failed)


def _waits_for_message(job: Job) -> bool:
    # A redrive that died before it sent its message is made again.
    return job.status is Status.QUEUED and job.redrives > 0 and not job.attempts
