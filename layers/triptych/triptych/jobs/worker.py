"""The worker: receives messages, begins their jobs, runs them, concludes them.

```
deliveries ── receive ──> jobs ──┬─ most ────────────> waves by model ─┐
                                 └─ possible poison ──> one by one ────┴─> begin ─> run ─> conclude ─> notify
```

A message is possible poison if its job was running when a worker ended, and may be what ended it, or if the
job ran out of time beside others. Its job runs when all others are done, alone, and the least often tried go
first. So a job that ends the process takes nobody with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import batched
from time import monotonic

from triptych.aws.notifications import MAX_ENDS
from triptych.aws.queue import Delivery, Outcomes
from triptych.clock import Deadline
from triptych.errors import DeadlineExceeded, TriptychError
from triptych.jobs.attempts import Attempt, Attempts, Delay, Output
from triptych.jobs.consumer import Consumer, Received
from triptych.jobs.job import Status
from triptych.jobs.runner import Runner
from triptych.jobs.telemetry import JobTelemetry
from triptych.protocol.compression import PLAIN_LIMIT, plain_size

THREADS = 16
"""Calls to AWS that wait at the same time; each takes about 10 ms, and clients keep as many connections."""

WAVE = 48 * 2**20
"""Bytes of the messages, or of what they may stand for, that are in memory at once."""

_STORED = 5 * 2**20
"""Bytes that an input counts for which does not travel in its message."""

_LEAST = 2.0
"""Seconds that must be left for a wave to begin."""


class Worker:
    """Runs the jobs of batches of messages; calls that wait for the network run in the pool."""

    def __init__(
        self,
        consumer: Consumer,
        attempts: Attempts,
        runner: Runner,
        telemetry: JobTelemetry,
        pool: Executor,
    ) -> None:
        self._consumer = consumer
        self._attempts = attempts
        self._runner = runner
        self._telemetry = telemetry
        self._pool = pool

    def process(self, deliveries: Sequence[Delivery], deadline: Deadline) -> Outcomes:
        """Runs the jobs of messages; returns what becomes of each message.

        What cannot be begun before the deadline comes again at once, as it is.
        """
        self._consumer.hold(deliveries, deadline)
        received = [found for found in self._each(self._receive, deliveries) if found]
        # Several messages may bring the same job: it is run once.
        delays = self._run(list({found.job.id: found for found in received}.values()), deadline)
        outcomes = {found.delivery.message_id: delays[found.job.id] for found in received}
        outcomes |= {
            delivery.message_id: self._consumer.retry_delay(delivery)
            for delivery in deliveries
            if delivery.message_id not in outcomes
        }
        self._telemetry.batch_ended(len(outcomes), sum(delay is not None for delay in outcomes.values()))
        return outcomes

    def _receive(self, delivery: Delivery) -> Received | None:
        try:
            return self._consumer.receive(delivery)
        except TriptychError as error:
            self._telemetry.unexpected(error)
            return None

    def _run(self, received: Sequence[Received], deadline: Deadline) -> dict[str, Delay]:
        """Runs jobs wave by wave, and returns the delays of their messages by id of the job."""
        delays: dict[str, Delay] = {}
        most_of_the_time = deadline.remaining / 2
        longest = _LEAST
        for wave in _waves(received):
            if deadline.remaining < longest:
                delays |= dict.fromkeys((found.job.id for found in wave), 0)
                continue
            started = monotonic()
            delays |= self._run_wave(wave, deadline, most_of_the_time)
            longest = max(longest, monotonic() - started)
        return delays

    def _run_wave(
        self, wave: Sequence[Received], deadline: Deadline, most_of_the_time: float
    ) -> dict[str, Delay]:
        begun = self._each(partial(self._attempts.begin, deadline=deadline), wave)
        pairs = list(zip(wave, begun, strict=True))
        delays = {received.job.id: delay for received, delay in pairs if not isinstance(delay, Attempt)}
        attempts = [attempt for attempt in begun if isinstance(attempt, Attempt)]
        # Nothing here refers to the inputs: the runner lets go of them before it runs large jobs.
        runs = self._runner.run(
            attempts, self._each(self._attempts.read, attempts), deadline, most_of_the_time
        )
        for outputs in runs:
            delays |= self._conclude(outputs)
        return delays

    def _conclude(self, outputs: Sequence[tuple[Attempt, Output | TriptychError]]) -> dict[str, Delay]:
        concluded = self._each(lambda ran: self._attempts.conclude(*ran), outputs)
        pairs = list(zip(outputs, concluded, strict=True))
        delays = {ran.job.id: delay for (ran, _), delay in pairs if not isinstance(delay, Attempt)}
        succeeded = [attempt for attempt in concluded if isinstance(attempt, Attempt)]
        for notified in self._each(self._attempts.notify, batched(succeeded, MAX_ENDS, strict=False)):
            delays |= notified
        return delays

    def _each[Item, Made](self, function: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
        return list(self._pool.map(function, items))


def _waves(received: Sequence[Received]) -> Iterator[list[Received]]:
    """Groups jobs by model, as many as may be in memory at once; possible poison messages last and alone."""
    wave: list[Received] = []
    size = 0
    for found in sorted((found for found in received if not _may_be_poison(found)), key=_model):
        another, more = wave and _model(wave[0]) != _model(found), _size(found)
        if wave and (another or size + more > WAVE):
            yield wave
            wave, size = [], 0
        wave.append(found)
        size += more
    if wave:
        yield wave
    for found in sorted(filter(_may_be_poison, received), key=lambda found: found.job.attempts):
        yield [found]


def _model(received: Received) -> tuple[str, int]:
    return received.job.model, received.job.version or 0


def _size(received: Received) -> int:
    """Returns the bytes that the input of a job may have in memory."""
    if received.body is None:
        return _STORED
    try:
        return max(len(received.body), plain_size(received.body, received.job.request.content_encoding))
    except TriptychError:  # too large, or not readable at all, as its own run will tell
        return PLAIN_LIMIT.bytes


def _may_be_poison(received: Received) -> bool:
    job = received.job
    out_of_time = job.error is not None and job.error.type == DeadlineExceeded.kind
    return job.status is Status.RUNNING or out_of_time
