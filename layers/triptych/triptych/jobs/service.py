"""What callers do with jobs: submit, look, wait, cancel, redrive, list."""

from __future__ import annotations

from functools import partial

from triptych.aws.queue import Queue
from triptych.clock import Clock, Deadline
from triptych.errors import Conflict, ServiceUnavailable
from triptych.jobs import transitions
from triptych.jobs.document import status_at
from triptych.jobs.job import IDS, Job, Status
from triptych.jobs.message import encode
from triptych.jobs.store import JobStorage
from triptych.jobs.submission import Submission
from triptych.jobs.telemetry import JobTelemetry
from triptych.lifecycle.finalize import Finalizer, wait_until_final
from triptych.lifecycle.record import random_id
from triptych.lifecycle.store import Page

MAX_INLINE = 256 * 2**10
"""Bytes of an input that travels in the message: up to there SQS costs less than a write to S3, and a message
of 1 MiB holds it in base64."""


class JobService:
    """Accepts jobs, and serves callers who have some."""

    def __init__(
        self,
        storage: JobStorage,
        finalizer: Finalizer[Job],
        queue: Queue,
        telemetry: JobTelemetry,
        clock: Clock,
    ) -> None:
        self._jobs = storage.jobs
        self._inputs = storage.inputs
        self._finalizer = finalizer
        self._queue = queue
        self._telemetry = telemetry
        self._clock = clock

    def submit(self, submission: Submission, key: tuple[str, str] | None = None) -> Job:
        """Accepts a job, the record first and then the message; returns the same job for the same key.

        The key is a caller and its idempotency key; without one every call is a job of its own.

        Raises:
            Conflict: The key was used for something else.
            ServiceUnavailable: The job could not be accepted.
        """
        job = submission.job(IDS.derived(*key) if key else random_id(), self._clock())
        found = self._jobs.get(job.id) if key else None
        if found is None:
            submission, job = self._with_large_input_stored(submission, job)
            found = None if self._jobs.add(job) else self._jobs.get(job.id)
        if found is not None:
            return self._submitted_again(found, job, submission)
        try:
            self._queue.send(encode(job, submission.body), submission.options.delay)
        except ServiceUnavailable:
            # With a key, another call may have returned this job already, and the next one sends the message.
            # Without one, nobody knows of it; should its message have arrived, that makes the record again.
            if key is None:
                self._jobs.remove(job)
            raise
        self._telemetry.job_submitted(job)
        return job

    def get(self, job_id: str) -> Job:
        """Returns a job; one that was not started in time has expired.

        Raises:
            NotFound: There is no such job.
        """
        job = self._jobs.existing(IDS.checked(job_id))
        if not transitions.overdue(job, self._clock()):
            return job
        try:
            return self._end(job, partial(transitions.expired, now=self._clock()))
        except Conflict:  # somebody was faster
            return self._jobs.existing(job.id)

    def wait(self, job_id: str, seconds: float, deadline: Deadline) -> Job:
        """Returns a job as soon as it has ended, or as it is when the time is over.

        Raises:
            NotFound: There is no such job.
        """
        return wait_until_final(lambda: self.get(job_id), min(Deadline.after(seconds), deadline))

    def cancel(self, job_id: str) -> Job:
        """Cancels a job; to do so again changes nothing.

        Raises:
            NotFound: There is no such job.
            Conflict: It ended in another way.
        """
        job = self.get(job_id)
        try:
            return self._end(job, partial(transitions.cancelled, now=self._clock()))
        except Conflict:
            job = self._jobs.existing(job.id)
            if job.status is not Status.CANCELLED:
                raise
            return job

    def redrive(self, job_id: str, time_to_live: int) -> Job:
        """Queues a job again that failed for a reason that may have passed, to be started in so many seconds.

        Raises:
            NotFound: There is no such job.
            Conflict: It has not failed, or would fail again.
            ServiceUnavailable: It could not be queued: it stays as it is.
        """
        job = self.get(job_id)
        if job.status is Status.FAILED and not job.notified:
            self._finalizer.finalize(job)  # subscribers hear of the failure before it is not true any more
            job = self._jobs.existing(job.id)
        failure, expires = job.error, self._clock() + 1000 * time_to_live
        # A redrive may have died before it sent the message: it is sent again.
        if not (job.status is Status.QUEUED and job.redrives and not job.attempts):
            job = self._jobs.move(job, partial(transitions.redriven, expires=expires))
        try:
            self._queue.send(encode(job, None))
        except ServiceUnavailable:
            if failure is not None:
                failed = transitions.failed(job, self._clock(), failure)
                if self._jobs.replace(failed):  # else a worker has the message, and goes on
                    self._finalizer.finalize(failed)
            raise
        return job

    def newest(self, *, model: str | None, status: Status | None, after: str | None, limit: int) -> Page[Job]:
        """Lists jobs, newest first. A page may be short and have a next one all the same.

        Raises:
            BadRequest: `after` is no token of a page.
        """
        if status is None:
            return self._jobs.newest(model=model, after=after, limit=limit)
        now = self._clock()
        return self._jobs.search(
            lambda job: status_at(job, now) is status, model=model, after=after, limit=limit
        )

    def _with_large_input_stored(self, submission: Submission, job: Job) -> tuple[Submission, Job]:
        if submission.body is None or len(submission.body) <= MAX_INLINE:
            return submission, job
        # The digest in the name keeps two inputs apart that come with the same key at the same time.
        location = self._inputs.put(f"{job.id}/{job.digest[:16]}", submission.body)
        return submission._replace(body=None), job._replace(input=location)

    def _submitted_again(self, found: Job, job: Job, submission: Submission) -> Job:
        if found.digest != job.digest:
            raise IDS.key_used(found.id)
        if found.status is Status.QUEUED and not found.attempts:
            # The first call may have died before it sent the message.
            body = None if found.input else submission.body
            self._queue.send(encode(found, body), submission.options.delay)
        return found

    def _end(self, job: Job, transition: transitions.Transition) -> Job:
        ended = self._jobs.move(job, transition)
        self._telemetry.job_ended(ended)
        try:
            self._finalizer.finalize(ended)
        except ServiceUnavailable as error:  # the reaper finalizes it; what the caller asked for is done
            self._telemetry.unexpected(error)
        return ended
