"""Attempts at jobs: how each begins, what it reads, and what its output makes of the job and of its message.

A message is done when its job has ended and subscribers were notified; until then it comes again. So the
record of a success need not say that they were: if the worker ends before, the message brings the job back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from triptych.aws.queue import Queue
from triptych.clock import Clock, Deadline
from triptych.errors import (
    NO_MEMORY,
    BadRequest,
    Conflict,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
    TriptychError,
)
from triptych.inference.adaptive_batching import NotStarted
from triptych.jobs import transitions
from triptych.jobs.consumer import Received
from triptych.jobs.inputs import InputStore, StoredInput
from triptych.jobs.job import Job, JobRequest, JobResult, Status
from triptych.jobs.message import encode
from triptych.jobs.store import JobStorage
from triptych.jobs.telemetry import JobTelemetry
from triptych.lifecycle.finalize import Finalizer
from triptych.lifecycle.record import Failure

Delay = int | None
"""Seconds until a message becomes visible again; None when it is done."""


MAX_IN_MEMORY = 5 * 2**20
"""Bytes of an input that is read into memory beside others: more than HTTP takes. Larger ones go by file."""


class Input(NamedTuple):
    """The input of a job.

    Attributes:
        body: Its bytes; None when it is large.
        stored: Where it is stored; None when it came in the message.
    """

    request: JobRequest
    body: bytes | None
    stored: StoredInput | None = None


class Output(NamedTuple):
    """What a model made of a job.

    Attributes:
        body: The result, or the file that holds it.
        header_length: Bytes of the JSON before raw tensors; None when there are none.
        filled: How many missing cells of the rows were filled with the value for missing cells.
    """

    body: bytes | Path
    content_type: str
    header_length: int | None
    filled: int
    version: int


class Attempt(NamedTuple):
    """A job that is running, or just was: the message that brought it, and the record of this attempt."""

    received: Received
    job: Job


class Limit(NamedTuple):
    """When a job is given up, and where its message goes then.

    Deliveries do not count as attempts: a job may wait for its turn through many.
    """

    attempts: int
    dead_letters: Queue


class Attempts:
    """Begins and concludes attempts."""

    def __init__(
        self,
        storage: JobStorage,
        finalizer: Finalizer[Job],
        limit: Limit,
        telemetry: JobTelemetry,
        clock: Clock,
    ) -> None:
        self._jobs = storage.jobs
        self._inputs = storage.inputs
        self._results = storage.results
        self._finalizer = finalizer
        self._limit = limit
        self._telemetry = telemetry
        self._clock = clock

    def begin(self, received: Received, deadline: Deadline) -> Attempt | Delay:
        """Marks a job as running, with a lease until the deadline.

        Returns:
            The attempt, or the delay of the message where the job is not to be run now.
        """
        return self._guarded(received, lambda: self._begun(received, deadline))

    def read(self, attempt: Attempt) -> Input | TriptychError:
        """Returns the input of a job, or why there is none."""
        return caught(self._telemetry, lambda: input_of(attempt, self._inputs))

    def conclude(self, attempt: Attempt, output: Output | TriptychError) -> Attempt | Delay:
        """Ends an attempt with what came of it.

        Returns:
            The attempt with the job that succeeded, of which subscribers are to be notified; or the delay of
            the message.
        """
        return self._guarded(attempt.received, lambda: self._concluded(attempt, output))

    def notify(self, succeeded: Sequence[Attempt]) -> dict[str, Delay]:
        """Notifies of jobs that succeeded, `MAX_ENDS` at most; returns message delays by id of the job."""
        try:
            self._finalizer.publish([attempt.job for attempt in succeeded])
        except Exception as error:  # noqa: BLE001 - the edge of some jobs: each is finalized with its next delivery
            self._telemetry.unexpected(error)
            return {attempt.job.id: attempt.received.retry_delay for attempt in succeeded}
        return {attempt.job.id: None for attempt in succeeded}

    def _begun(self, received: Received, deadline: Deadline) -> Attempt | Delay:
        job, now = received.job, self._clock()
        if transitions.overdue(job, now):
            job = self._jobs.move(job, partial(transitions.expired, now=now))
            self._telemetry.job_ended(job)
        given_up = job.attempts >= self._limit.attempts and not transitions.leased(job, now)
        if job.final or given_up:
            return self._delay(received, job)
        lease = now + max(0, int(1000 * deadline.remaining))
        return Attempt(received, self._jobs.move(job, partial(transitions.started, now=now, lease=lease)))

    def _concluded(self, attempt: Attempt, output: Output | TriptychError) -> Attempt | Delay:
        mine = attempt.job
        if isinstance(output, NotStarted):
            self._jobs.move(mine, lambda found: transitions.not_started(still_running(found, mine)))
            return 0
        outcome = output if isinstance(output, TriptychError) else self._stored(mine, output)
        now = self._clock()
        job = self._jobs.move(mine, lambda found: _after(still_running(found, mine), outcome, now))
        self._telemetry.job_ran(job, (mine.started or 0) - mine.created)
        if job.status is Status.SUCCEEDED:
            return Attempt(attempt.received, job)
        return self._delay(attempt.received, job)

    def _stored(self, job: Job, output: Output) -> JobResult | TriptychError:
        body, kind, length, filled, version = output
        try:
            return self._results.put(job, body, JobResult(None, kind, length, 0, version, filled))
        except ServiceUnavailable as error:  # the next attempt need not wait until the lease is over
            self._telemetry.unexpected(error)
            return error

    def _delay(self, received: Received, job: Job) -> Delay:
        """Returns the delay of the message of a job that is not run now; finalizes a job that has ended."""
        if job.final:
            self._finalizer.finalize(job)
            return None
        if transitions.leased(job, now := self._clock()):
            return ((job.lease or now) - now) // 1000 + 1
        if job.attempts >= self._limit.attempts:
            self._limit.dead_letters.send(encode(job, None if job.input else received.body))
            return None
        return received.retry_delay

    def _guarded[Made](self, received: Received, action: Callable[[], Made]) -> Made | Delay:
        try:
            return action()
        except (Conflict, NotFound):
            return self._after_conflict(received)
        except Exception as error:  # noqa: BLE001 - the edge of one job: the others of its batch go on
            self._telemetry.unexpected(error)
            return received.retry_delay

    def _after_conflict(self, received: Received) -> Delay:
        """Somebody else moved the job, or removed its record: what it is now decides."""
        try:
            found = self._jobs.existing(received.job.id)
            if found.redrives != received.job.redrives:  # what this worker wrote is of a life that is over
                self._results.delete(received.job)
            return self._delay(received, found)
        except TriptychError as error:
            self._telemetry.unexpected(error)
            return received.retry_delay


class InternalError(TriptychError):
    """Something failed that should not; the log tells where."""

    kind = "InternalError"
    retryable = True


def caught[Made](telemetry: JobTelemetry, action: Callable[[], Made]) -> Made | TriptychError:
    """Does something for one job; returns what came of it, or why it failed. The unexpected is logged."""
    try:
        return action()
    except TriptychError as error:
        return error
    except MemoryError:
        return PayloadTooLarge(NO_MEMORY)
    except Exception as error:  # noqa: BLE001 - the edge of one job: it is logged with its trace
        telemetry.unexpected(error)
        return InternalError(f"internal error: {type(error).__name__}")


def input_of(attempt: Attempt, inputs: InputStore) -> Input:
    """Returns the input of a job.

    Raises:
        BadRequest: There is none, or it may not be read.
        PayloadTooLarge: It is larger than a job takes.
        ServiceUnavailable: It cannot be read now.
        TriptychError: No job can be made of the message.
    """
    received, job = attempt
    if received.error:
        raise received.error
    if job.input is None:
        if received.body is None:
            raise BadRequest("the message holds no input, and none is kept; submit the job again")
        return Input(job.request, received.body)
    stored = inputs.fetch(job.input, MAX_IN_MEMORY)
    if stored.content_encoding or job.request.content_encoding:
        stored = stored._replace(body=None)  # nobody knows how large it becomes
    request = job.request._replace(
        content_type=job.request.content_type or stored.content_type,
        content_encoding=job.request.content_encoding or stored.content_encoding,
    )
    return Input(request, stored.body, stored)


def still_running(job: Job, mine: Job) -> Job:
    """Returns the record as it is now if it is still in the attempt that this worker began.

    Raises:
        Conflict: The job has ended, or somebody else took it over.
    """
    if (job.status, job.attempts, job.redrives) != (mine.status, mine.attempts, mine.redrives):
        raise Conflict(f"job {job.id} is {job.status}, and not in attempt {mine.attempts} any more")
    return job


def _after(job: Job, outcome: JobResult | TriptychError, now: int) -> Job:
    if transitions.overdue(job, now):  # whoever looked at it saw it as expired
        return transitions.expired(job, now)
    if isinstance(outcome, JobResult):
        return transitions.succeeded(job, now, outcome)
    failure = Failure.of(outcome)
    return transitions.released(job, failure) if failure.retryable else transitions.failed(job, now, failure)
