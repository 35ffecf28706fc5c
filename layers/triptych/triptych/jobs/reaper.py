"""The reaper: ends the jobs that nobody else ends.

The jobs of dead letters, which are messages that were given up, fail. A sweep expires jobs that were not
started in time, and finalizes those of whose end subscribers were not notified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from triptych.aws.consumer import SAFETY_MARGIN, SqsTrigger
from triptych.aws.queue import Delivery, Outcomes, Queue
from triptych.clock import Clock, Context, Deadline
from triptych.errors import Conflict, ServiceUnavailable, TriptychError
from triptych.jobs.consumer import Consumer, Received
from triptych.jobs.job import Job
from triptych.jobs.store import JobStorage
from triptych.jobs.telemetry import JobTelemetry
from triptych.jobs.transitions import expired, failed, leased, overdue
from triptych.lifecycle.finalize import Finalizer
from triptych.lifecycle.record import Failure

_WORKER_ENDED = "WorkerEnded"
"""Type of the failure of a job whose worker ended without a word."""

_AT_ONCE = 100
"""Jobs that a sweep lists at once."""


class Swept(NamedTuple):
    """How many jobs a sweep ended or finalized, and how many it could not: the next sweep tries again."""

    settled: int
    failed: int


class Keeper:
    """Answers events: messages of the queue of dead letters, and ticks of the schedule of sweeps."""

    def __init__(self, reaper: Reaper, letters: Queue, telemetry: JobTelemetry) -> None:
        self._reaper = reaper
        self._letters = SqsTrigger(reaper.end_dead_letters, letters, telemetry)
        self._telemetry = telemetry

    def __call__(self, event: dict[str, Any], context: Context) -> Mapping[str, Any]:
        """Answers one event.

        Raises:
            ServiceUnavailable: A job could not be attended to: an error of the function raises an alarm, and
                the log has each reason.
        """
        if "Records" in event:
            return self._letters(event, context)
        self._telemetry.request_started(context.aws_request_id)
        swept = self._reaper.sweep(Deadline.of(context, SAFETY_MARGIN))
        if swept.failed:
            raise ServiceUnavailable(f"{swept.failed} jobs could not be settled, {swept.settled} were")
        return swept._asdict()


class Reaper:
    """Ends jobs that nobody else ends."""

    def __init__(
        self,
        consumer: Consumer,
        storage: JobStorage,
        finalizer: Finalizer[Job],
        telemetry: JobTelemetry,
        clock: Clock,
    ) -> None:
        self._consumer = consumer
        self._jobs = storage.jobs
        self._inputs = storage.inputs
        self._finalizer = finalizer
        self._telemetry = telemetry
        self._clock = clock

    def end_dead_letters(self, deliveries: Sequence[Delivery], deadline: Deadline) -> Outcomes:
        """Fails the jobs of dead letters, and stores their inputs so that they can be redriven.

        Returns what becomes of each message: those for which there is no time come again.
        """
        return {delivery.message_id: self._dead_letter(delivery, deadline) for delivery in deliveries}

    def sweep(self, deadline: Deadline) -> Swept:
        """Attends to all jobs that need it, or to as many as there is time for."""
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

    def _dead_letter(self, delivery: Delivery, deadline: Deadline) -> int | None:
        try:
            deadline.check("ending jobs")
            return self._delay(self._consumer.receive(delivery))
        except TriptychError as error:
            self._telemetry.unexpected(error)
            return self._consumer.retry_delay(delivery)

    def _delay(self, letter: Received) -> int | None:
        """Ends the job of a dead letter; returns the delay of the message, None when it is done."""
        job = letter.job
        if not job.final:
            if letter.redrives < job.redrives:  # the job has a message of its own since it was redriven
                return None
            if leased(job, now := self._clock()):  # a copy of the message is being worked on
                return ((job.lease or now) - now) // 1000 + 1
            job = self._given_up(letter)
        self._finalizer.finalize(job)
        return None

    def _given_up(self, letter: Received) -> Job:
        job, stored = letter.job, letter.job.input
        if stored is None and letter.body is not None:
            stored = self._inputs.put(f"{job.id}/{job.digest[:16]}", letter.body)

        def transition(found: Job) -> Job:
            now = self._clock()
            if leased(found, now):
                raise Conflict(f"job {found.id} is being run")
            if overdue(found, now):  # whoever looked at it saw it as expired
                return expired(found, now)
            return failed(found, now, _failure(letter, found))._replace(input=found.input or stored)

        ended = self._jobs.move(job, transition)
        self._telemetry.job_ended(ended)
        return ended

    def _attended(self, job_id: str) -> bool:
        """Attends to one job; returns whether that worked."""
        try:
            job = self._jobs.get(job_id)
            if job and overdue(job, self._clock()):
                job = self._jobs.move(job, partial(expired, now=self._clock()))
                self._telemetry.job_ended(job)
            if job and job.final:
                self._finalizer.finalize(job)
        except Conflict:  # it was started or ended meanwhile
            return True
        except TriptychError as error:
            self._telemetry.unexpected(error)
            return False
        return True


def _failure(letter: Received, job: Job) -> Failure:
    if letter.error:
        return Failure.of(letter.error)._replace(retryable=False)
    if job.error:
        message = f"given up after {job.attempts} attempts; the last one: {job.error.message}"
        return Failure(job.error.type, message, retryable=True)
    if job.attempts:
        message = f"given up after {job.attempts} attempts: each ended its worker, for lack of memory or time"
    else:
        message = "given up: the job was delivered, but no worker could begin it"
    return Failure(_WORKER_ENDED, message, retryable=True)
