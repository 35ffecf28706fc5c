"""Accepting jobs: the record first, then the message."""

from __future__ import annotations

from triptych.errors import Conflict, ServiceUnavailable
from triptych.interfaces.clock import Clock
from triptych.interfaces.job_observer import JobObserver
from triptych.interfaces.job_queue import JobQueue
from triptych.interfaces.job_store import JobStore
from triptych.interfaces.payloads import InputStore
from triptych.jobs.envelope import seal
from triptych.jobs.ids import derived_id, random_id
from triptych.jobs.job import Job, Status
from triptych.jobs.submission import Submission

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
