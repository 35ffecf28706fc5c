"""The consumer of messages: from a message to its job, whoever sent it, however often it is delivered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from triptych.aws.queue import Delivery, Queue
from triptych.clock import Clock, Deadline
from triptych.errors import Conflict, ServiceUnavailable, TriptychError
from triptych.jobs.job import IDS, UNKNOWN_MODEL, Job, JobRequest
from triptych.jobs.message import decode
from triptych.jobs.store import JobStorage
from triptych.jobs.submission import OptionLimits, Options, Submission

GRACE = 5
"""Seconds after the end of an invocation when messages come back that it did not deal with."""

_LONGEST = 900
"""Seconds: what made an attempt fail is seldom gone in less than a quarter of an hour if not at once."""


class Received(NamedTuple):
    """A message that was received.

    Attributes:
        body: The input; None when it is stored.
        retry_delay: Seconds after which the message comes again when its job has to be tried again.
        error: Why no job can be made of the message.
        redrives: How often the job had been redriven when the message was sent.
    """

    delivery: Delivery
    job: Job
    body: bytes | None
    retry_delay: int
    error: TriptychError | None = None
    redrives: int = 0


class Consumer:
    """Receives messages: finds or makes the job of each; the first delay is at most `first_delay` seconds.

    A message that cannot be read becomes a job as well, with the message as its input: nothing is lost.
    """

    def __init__(
        self, storage: JobStorage, queue: Queue, limits: OptionLimits, first_delay: int, clock: Clock
    ) -> None:
        self._jobs = storage.jobs
        self._inputs = storage.inputs
        self._queue = queue
        self._limits = limits
        self._first_delay = first_delay
        self._clock = clock

    def hold(self, deliveries: Sequence[Delivery], deadline: Deadline) -> None:
        """Hides messages until shortly after an invocation.

        Should this process end, they come back then, and not after the visibility timeout of the queue, which
        is six times as long.
        """
        seconds = max(0, int(deadline.remaining)) + GRACE
        self._queue.postpone({delivery.receipt: seconds for delivery in deliveries})

    def receive(self, delivery: Delivery) -> Received:
        """Finds or makes the job of a message.

        Raises:
            ServiceUnavailable: The record cannot be read or written now.
        """
        delay = self.retry_delay(delivery)
        try:
            message = decode(delivery.body, delivery.message_id, self._limits)
            if message.submission.input is not None and not message.from_api:
                located = self._inputs.locate(message.submission.input)
                message = message._replace(submission=message.submission._replace(input=located))
            asked = message.job(self._sent(delivery))
            job = self._found_or_added(asked)
            if job.digest != asked.digest:
                raise Conflict(
                    f"the client token was used for job {job.id}, which asks for something else; "
                    "choose another"
                )
        except ServiceUnavailable:
            raise
        except TriptychError as error:
            return Received(delivery, self._found_or_added(self._unreadable(delivery)), None, delay, error)
        return Received(delivery, job, message.submission.body, delay, redrives=message.redrives)

    def retry_delay(self, delivery: Delivery) -> int:
        """Returns the seconds after which a message comes again that could not be dealt with.

        They grow, and are spread so that messages that failed together do not come back together.
        """
        longest = min(self._first_delay * 2 ** (delivery.receives - 1), _LONGEST)
        return random.randint((longest + 1) // 2, longest)  # noqa: S311 - spreads load, keeps no secret

    def _found_or_added(self, job: Job) -> Job:
        found = self._jobs.get(job.id)
        if found is None and not self._jobs.add(job):
            found = self._jobs.get(job.id)
        return found or job

    def _sent(self, delivery: Delivery) -> int:
        return min(delivery.sent, self._clock())

    def _unreadable(self, delivery: Delivery) -> Job:
        job_id = IDS.derived("unreadable", delivery.message_id)
        stored = self._inputs.put(f"{job_id}/message", delivery.body.encode(errors="surrogatepass"))
        options = Options(self._limits.time_to_live)
        submission = Submission(UNKNOWN_MODEL, None, JobRequest(), options, input=stored)
        return submission.job(job_id, self._sent(delivery))
