"""Ending the jobs of messages that gave up.

Looking after jobs that nobody else looks after: those that were not started in time, and ends not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from triptych.aws.queue import Delivery, Outcomes
from triptych.clock import Clock, Deadline
from triptych.errors import Conflict, TriptychError
from triptych.jobs.attempts import Backoff
from triptych.jobs.consumer import Arrival, Intake
from triptych.jobs.job import Job
from triptych.jobs.store import JobStorage
from triptych.jobs.telemetry import JobTelemetry
from triptych.jobs.transitions import expired, failed, leased, overdue
from triptych.lifecycle.failure import Failure
from triptych.lifecycle.finalize import Finalizer

_ENDED = "WorkerEnded"


class DeadLetters:
    """Fails the jobs of dead letters, and keeps their inputs so that they can be queued again.

    Args:
        intake: Finds the job of a message.
        storage: Stores jobs and inputs.
        finalizer: Finalizes jobs that have ended.
        observer: Is told about every job that is ended.
        backoff: Tells when a message comes again.
        clock: Tells the time.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it brings together
        self,
        intake: Intake,
        storage: JobStorage,
        finalizer: Finalizer[Job],
        observer: JobTelemetry,
        backoff: Backoff,
        clock: Clock,
    ) -> None:
        self._intake = intake
        self._jobs = storage.jobs
        self._inputs = storage.inputs
        self._finalizer = finalizer
        self._observer = observer
        self._backoff = backoff
        self._clock = clock

    def process(self, deliveries: Sequence[Delivery], deadline: Deadline) -> Outcomes:
        """Ends the jobs of messages.

        Args:
            deliveries: Messages from the queue of dead letters.
            deadline: When the last must be dealt with; the others come again.

        Returns:
            What becomes of each message.
        """
        return {delivery.message_id: self._outcome(delivery, deadline) for delivery in deliveries}

    def _outcome(self, delivery: Delivery, deadline: Deadline) -> int | None:
        try:
            deadline.check("ending jobs")
            return self._ended(self._intake.receive(delivery))
        except TriptychError as error:
            self._observer.unexpected(error)
            return self._backoff.seconds(delivery.receives)

    def _ended(self, arrival: Arrival) -> int | None:
        job = arrival.job
        if not job.final:
            if arrival.redrives < job.redrives:  # the job has a message of its own since it was redriven
                return None
            if leased(job, now := self._clock()):  # a copy of its message is being worked on
                return ((job.lease or now) - now) // 1000 + 1
            job = self._end(arrival)
        self._finalizer.finalize(job)
        return None

    def _end(self, arrival: Arrival) -> Job:
        kept = self._kept(arrival)
        job = self._jobs.move(arrival.job, lambda found: self._given_up(arrival, found, kept))
        self._observer.job_ended(job)
        return job

    def _given_up(self, arrival: Arrival, job: Job, kept: str | None) -> Job:
        now = self._clock()
        if leased(job, now):
            raise Conflict(f"job {job.id} is being run")
        if overdue(job, now):  # whoever looked at it was told so
            return expired(job, now)
        return failed(job, now, _reason(arrival, job))._replace(input=job.input or kept)

    def _kept(self, arrival: Arrival) -> str | None:
        if arrival.job.input is not None or arrival.body is None:
            return arrival.job.input
        return self._inputs.put(f"{arrival.job.id}/{arrival.job.digest[:16]}", arrival.body)


def _reason(arrival: Arrival, job: Job) -> Failure:
    if arrival.error:
        return Failure.of(arrival.error)._replace(retryable=False)
    if job.error:
        message = f"given up after {job.attempts} attempts; the last one: {job.error.message}"
        return Failure(job.error.type, message, retryable=True)
    if job.attempts:
        message = f"given up after {job.attempts} attempts: each ended its worker, for lack of memory or time"
        return Failure(_ENDED, message, retryable=True)
    return Failure(_ENDED, "given up: the job was delivered, but no worker could begin it", retryable=True)


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
        storage: Stores jobs.
        finalizer: Finalizes jobs that have ended.
        observer: Is told about every job that is ended.
        clock: Tells the time.
    """

    def __init__(
        self, storage: JobStorage, finalizer: Finalizer[Job], observer: JobTelemetry, clock: Clock
    ) -> None:
        self._jobs = storage.jobs
        self._finalizer = finalizer
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
            found = self._jobs.unattended(self._clock(), _AT_ONCE + len(failures))
            new = [job_id for job_id in found if job_id not in done | failures]
            if not new:
                break
            for job_id in new:
                (done if self._attended(job_id) else failures).add(job_id)
        return Swept(len(done), len(failures))

    def _attended(self, job_id: str) -> bool:
        try:
            job = self._jobs.get(job_id)
            if job is not None:
                self._attend(job)
        except TriptychError as error:
            self._observer.unexpected(error)
            return False
        return True

    def _attend(self, job: Job) -> None:
        if overdue(job, self._clock()):
            try:
                job = self._jobs.move(job, lambda found: expired(found, self._clock()))
            except Conflict:  # it was started or ended meanwhile
                return
            self._observer.job_ended(job)
        if job.final:
            self._finalizer.finalize(job)
