"""How long a message waits before it comes again.

Attempts at jobs: how each begins, and what its outcome makes of the job and of its message.

A message is done when its job has ended and the end was told; until then it comes again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from triptych.aws.queue import Queue
from triptych.clock import Clock
from triptych.errors import Conflict, NotFound, ServiceUnavailable, TriptychError
from triptych.inference.adaptive_batching import NotStarted
from triptych.jobs import transitions
from triptych.jobs.consumer import Arrival
from triptych.jobs.job import Job, JobResult
from triptych.jobs.message import encode
from triptych.jobs.store import JobStorage
from triptych.jobs.telemetry import JobTelemetry
from triptych.lifecycle.failure import Failure
from triptych.lifecycle.finalize import Finalizer

_LONGEST = 900
"""Seconds: what made an attempt fail is seldom gone in less than a quarter of an hour if not at once."""


class Backoff(NamedTuple):
    """Growing waits, spread so that messages that failed together do not come back together.

    Attributes:
        first: Seconds that the wait after the first delivery has at most.
    """

    first: int

    def seconds(self, receives: int) -> int:
        """Gives the wait after a delivery.

        Args:
            receives: How often the message was delivered.
        """
        longest = min(self.first * 2 ** (receives - 1), _LONGEST)
        return random.randint((longest + 1) // 2, longest)  # noqa: S311 - spreads load, keeps no secret


Fate = int | None
"""Seconds until a message comes again; None when it is done."""


class Output(NamedTuple):
    """What a model made of a job.

    Attributes:
        body: The result, or the file that holds it.
        content_type: What it is.
        header_length: Bytes of the JSON before raw tensors; None when there are none.
        filled: How many missing cells of the rows took the value for missing cells.
        version: Version of the model.
    """

    body: bytes | Path
    content_type: str
    header_length: int | None
    filled: int
    version: int


class Attempt(NamedTuple):
    """A job that is being run.

    Attributes:
        arrival: The message that brought it.
        job: Its record, as this attempt made it.
    """

    arrival: Arrival
    job: Job


class Limit(NamedTuple):
    """When a job is given up.

    Attributes:
        attempts: Attempts that it has; deliveries do not count, as a job may wait for its turn through many.
        dead_letters: Where its message goes then.
    """

    attempts: int
    dead_letters: Queue


class Attempts:
    """Begins and concludes attempts.

    Args:
        storage: Stores jobs and results.
        finalizer: Finalizes jobs that have ended.
        observer: Is told about every attempt.
        backoff: Tells when a message comes again.
        limit: Tells when a job is given up.
        clock: Tells the time.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it brings together
        self,
        storage: JobStorage,
        finalizer: Finalizer[Job],
        observer: JobTelemetry,
        backoff: Backoff,
        limit: Limit,
        clock: Clock,
    ) -> None:
        self._jobs = storage.jobs
        self._finalizer = finalizer
        self._results = storage.results
        self._observer = observer
        self._backoff = backoff
        self._limit = limit
        self._clock = clock

    def begin(self, arrival: Arrival, lease: int) -> Attempt | Fate:
        """Marks a job as running.

        Args:
            arrival: The message that brought it.
            lease: When this attempt must have ended, in milliseconds since 1970.

        Returns:
            The attempt, or the fate of the message where the job is not to be run now.
        """
        return self._guarded(arrival, lambda: self._begun(arrival, lease))

    def conclude(self, attempt: Attempt, outcome: Output | TriptychError) -> Fate:
        """Makes of a job what came out of its attempt.

        Returns:
            The fate of the message.
        """
        return self._guarded(attempt.arrival, lambda: self._concluded(attempt, outcome))

    def fate(self, arrival: Arrival, job: Job) -> Fate:
        """Tells what becomes of the message of a job that is not run now; settles the job if it has ended."""
        if job.final:
            self._finalizer.finalize(job)
            return None
        if transitions.leased(job, now := self._clock()):
            return ((job.lease or now) - now) // 1000 + 1
        if job.attempts >= self._limit.attempts:
            self._limit.dead_letters.send(encode(job, None if job.input else arrival.body))
            return None
        return self._backoff.seconds(arrival.delivery.receives)

    def _begun(self, arrival: Arrival, lease: int) -> Attempt | Fate:
        now = self._clock()
        worn = arrival.job.attempts >= self._limit.attempts and not transitions.leased(arrival.job, now)
        if arrival.job.final or (worn and not transitions.overdue(arrival.job, now)):
            return self.fate(arrival, arrival.job)
        if transitions.overdue(arrival.job, now):
            expired = self._jobs.move(arrival.job, lambda job: transitions.expired(job, now))
            self._observer.job_ended(expired)
            return self.fate(arrival, expired)
        return Attempt(
            arrival, self._jobs.move(arrival.job, lambda job: transitions.started(job, now, lease))
        )

    def _concluded(self, attempt: Attempt, outcome: Output | TriptychError) -> Fate:
        mine = attempt.job
        if isinstance(outcome, NotStarted):
            self._jobs.move(mine, lambda found: transitions.not_started(still(found, mine)))
            return 0
        kept = self._kept(mine, outcome)
        now = self._clock()
        job = self._jobs.move(mine, lambda found: _after(still(found, mine), kept, now))
        self._observer.job_ran(job, (mine.started or 0) - mine.created)
        return self.fate(attempt.arrival, job)

    def _kept(self, job: Job, outcome: Output | TriptychError) -> JobResult | TriptychError:
        if isinstance(outcome, TriptychError):
            return outcome
        try:
            return self._results.put(job, outcome.body, _described(outcome))
        except ServiceUnavailable as error:  # the next attempt need not wait until the lease is over
            self._observer.unexpected(error)
            return error

    def _guarded[Made](self, arrival: Arrival, action: Callable[[], Made]) -> Made | Fate:
        try:
            return action()
        except (Conflict, NotFound):
            return self._after_conflict(arrival)
        except Exception as error:  # noqa: BLE001 - the edge of one job: the others of its batch go on
            self._observer.unexpected(error)
            return self._backoff.seconds(arrival.delivery.receives)

    def _after_conflict(self, arrival: Arrival) -> Fate:
        """Somebody else moved the job, or took its record away: what it is now decides."""
        try:
            found = self._jobs.existing(arrival.job.id)
            if found.redrives != arrival.job.redrives:  # what this worker wrote is of a life that is over
                self._results.delete(arrival.job)
            return self.fate(arrival, found)
        except TriptychError as error:
            self._observer.unexpected(error)
            return self._backoff.seconds(arrival.delivery.receives)


def still(job: Job, mine: Job) -> Job:
    """Gives the record if it is still in the attempt that this worker began.

    Args:
        job: The record as it is now.
        mine: The record as this worker's attempt made it.

    Raises:
        Conflict: The job has ended, or somebody else took it over.
    """
    if (job.status, job.attempts, job.redrives) != (mine.status, mine.attempts, mine.redrives):
        raise Conflict(f"job {job.id} is {job.status}, and not in attempt {mine.attempts} any more")
    return job


def _after(job: Job, outcome: JobResult | TriptychError, now: int) -> Job:
    if transitions.overdue(job, now):  # whoever looked at it was told so
        return transitions.expired(job, now)
    if isinstance(outcome, JobResult):
        return transitions.succeeded(job, now, outcome)
    error = Failure.of(outcome)
    return transitions.released(job, error) if outcome.retryable else transitions.failed(job, now, error)


def _described(output: Output) -> JobResult:
    return JobResult("", output.content_type, output.header_length, 0, output.version, output.filled)
