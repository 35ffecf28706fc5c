"""From a message to the record of its job: whoever sent it, and however often it is delivered."""

from __future__ import annotations

from typing import NamedTuple

from triptych.aws.queue import Delivery
from triptych.clock import Clock
from triptych.errors import Conflict, ServiceUnavailable, TriptychError
from triptych.jobs.inputs import InputStore
from triptych.jobs.job import IDS, UNKNOWN_MODEL, Job
from triptych.jobs.message import Envelope, decode
from triptych.jobs.options import OptionLimits, Options
from triptych.jobs.store import JobStore
from triptych.jobs.submission import Submission
from triptych.rows.options import JobRequest


class Arrival(NamedTuple):
    """A message that arrived.

    Attributes:
        delivery: The message.
        job: The record of its job.
        body: The input; None when it is kept somewhere.
        error: Why no job can be made of the message.
        redrives: How often the job had been redriven when the message was sent.
    """

    delivery: Delivery
    job: Job
    body: bytes | None
    error: TriptychError | None = None
    redrives: int = 0


class Intake:
    """Finds or makes the record of each message's job.

    Args:
        store: Keeps the records.
        inputs: Keeps inputs; also of messages that cannot be read, so that nothing is lost.
        limits: What options may be.
        clock: Tells the time.
    """

    def __init__(self, store: JobStore, inputs: InputStore, limits: OptionLimits, clock: Clock) -> None:
        self._store = store
        self._inputs = inputs
        self._limits = limits
        self._clock = clock

    def receive(self, delivery: Delivery) -> Arrival:
        """Takes a message in.

        Raises:
            ServiceUnavailable: The record cannot be read or written now.
        """
        try:
            envelope = self._located(decode(delivery.body, delivery.message_id, self._limits))
            job = self._same(envelope, self._record(envelope.job(self._sent(delivery))))
        except ServiceUnavailable:
            raise
        except TriptychError as error:
            return Arrival(delivery, self._record(self._unreadable(delivery)), None, error)
        return Arrival(delivery, job, envelope.submission.body, redrives=envelope.redrives)

    def _located(self, envelope: Envelope) -> Envelope:
        named = envelope.submission.input
        if envelope.ours or named is None:
            return envelope
        return envelope._replace(submission=envelope.submission._replace(input=self._inputs.locate(named)))

    def _record(self, job: Job) -> Job:
        found = self._store.get(job.id)
        if found is None and not self._store.add(job):
            found = self._store.get(job.id)
        return found or job

    def _same(self, envelope: Envelope, job: Job) -> Job:
        if job.digest != (envelope.digest or envelope.submission.digest()):
            raise Conflict(
                f"the client token was used for job {job.id}, which asks for something else; choose another"
            )
        return job

    def _sent(self, delivery: Delivery) -> int:
        return min(delivery.sent, self._clock())

    def _unreadable(self, delivery: Delivery) -> Job:
        job_id = IDS.derived("unreadable", delivery.message_id)
        body = delivery.body.encode(errors="surrogatepass")
        kept = self._inputs.put(f"{job_id}/message", body)
        options = Options(self._limits.time_to_live)
        return Submission(UNKNOWN_MODEL, None, JobRequest(), options, input=kept).job(
            job_id, self._sent(delivery)
        )
