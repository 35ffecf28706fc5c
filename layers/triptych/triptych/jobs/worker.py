"""Working through a batch of messages.

```
deliveries ── intake ──> arrivals ──┬─ at ease ─> waves by model ─┐
                                    └─ suspects ─> one by one ────┴─> begin ─> run ─> conclude ─> fates
```

A suspect was running when its worker ended, and may have been what ended it; or it took too long beside
others. It runs when all others are done, alone, and those that were tried least often go first. So a job that
ends the process takes nobody with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic

from triptych.aws.queue import Delivery, Outcomes, Queue
from triptych.clock import Clock, Deadline
from triptych.errors import DeadlineExceeded, TriptychError
from triptych.inference.adaptive_batching import NotStarted
from triptych.jobs.attempts import Attempt, Attempts, Backoff, Fate, Output
from triptych.jobs.consumer import Arrival, Intake
from triptych.jobs.job import Status
from triptych.jobs.large import LargeJobs
from triptych.jobs.runner import Each, Runner, TooSlow
from triptych.jobs.telemetry import JobTelemetry
from triptych.protocol.compression import PLAIN_LIMIT, plain_size

GRACE = 5
"""Seconds after the end of an invocation when messages come back that it did not deal with."""

WAVE = 48 * 2**20
"""Bytes of the messages, or of what they may stand for, that are in memory at once."""

_KEPT = 5 * 2**20
"""Bytes that an input counts for which does not travel in its message."""

_LEAST = 2.0
"""Seconds that must be left for a wave to begin."""

Fates = dict[str, Fate]
"""What becomes of the messages of jobs, by id of the job."""


class Worker:
    """Runs the jobs of a batch of messages.

    Args:
        intake: Finds the job of a message.
        attempts: Begins and concludes attempts.
        runner: Runs jobs whose inputs fit into memory.
        large: Runs the others.
        queue: Where messages come from.
        observer: Is told about every batch.
        backoff: Tells when a message comes again.
        each: Does many things at once that wait for the network.
        clock: Tells the time.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it brings together
        self,
        intake: Intake,
        attempts: Attempts,
        runner: Runner,
        large: LargeJobs,
        queue: Queue,
        observer: JobTelemetry,
        backoff: Backoff,
        each: Each,
        clock: Clock,
    ) -> None:
        self._intake = intake
        self._attempts = attempts
        self._runner = runner
        self._large = large
        self._queue = queue
        self._observer = observer
        self._backoff = backoff
        self._each = each
        self._clock = clock

    def process(self, deliveries: Sequence[Delivery], deadline: Deadline) -> Outcomes:
        """Deals with messages.

        Args:
            deliveries: The messages.
            deadline: When the last must be dealt with: what cannot be begun in time is left as it is.

        Returns:
            What becomes of each message.
        """
        # Should this process end now, the messages come back when its time is over, not after all the queue's
        # patience, which is six times as long.
        again = max(0, int(deadline.remaining)) + GRACE
        self._queue.postpone({delivery.receipt: again for delivery in deliveries})
        arrivals = [arrival for arrival in self._each(self._received, deliveries) if arrival]
        # Several messages may bring the same job: it is run once.
        fates = self._fates(list({arrival.job.id: arrival for arrival in arrivals}.values()), deadline)
        known = {arrival.delivery.message_id: fates[arrival.job.id] for arrival in arrivals}
        outcomes = {
            delivery.message_id: known.get(delivery.message_id, self._backoff.seconds(delivery.receives))
            for delivery in deliveries
        }
        self._observer.batch_ended(len(outcomes), sum(outcome is not None for outcome in outcomes.values()))
        return outcomes

    def _received(self, delivery: Delivery) -> Arrival | None:
        try:
            return self._intake.receive(delivery)
        except TriptychError as error:
            self._observer.unexpected(error)
            return None

    def _fates(self, arrivals: Sequence[Arrival], deadline: Deadline) -> Fates:
        fates: Fates = {}
        whole = deadline.remaining
        longest = _LEAST
        for wave in _waves(arrivals):
            if deadline.remaining < longest:
                fates |= dict.fromkeys((arrival.job.id for arrival in wave), 0)
                continue
            started = monotonic()
            fates |= self._wave(wave, deadline, enough=whole / 2)
            longest = max(longest, monotonic() - started)
        return fates

    def _wave(self, wave: Sequence[Arrival], deadline: Deadline, *, enough: float) -> Fates:
        lease = self._clock() + max(0, int(1000 * deadline.remaining))
        begun = self._each(lambda arrival: self._attempts.begin(arrival, lease), wave)
        fates: Fates = {
            arrival.job.id: fate
            for arrival, fate in zip(wave, begun, strict=True)
            if not isinstance(fate, Attempt)
        }
        attempts = [attempt for attempt in begun if isinstance(attempt, Attempt)]
        had_enough = len(attempts) == 1 and deadline.remaining >= enough
        outputs = self._runner.run(attempts, deadline)
        ended = [attempt for attempt in attempts if attempt.job.id in outputs]
        concluded = self._each(
            lambda attempt: self._attempts.conclude(
                attempt, _judged(outputs[attempt.job.id], had_enough=had_enough)
            ),
            ended,
        )
        fates |= {attempt.job.id: fate for attempt, fate in zip(ended, concluded, strict=True)}
        for attempt in attempts:
            if attempt.job.id not in outputs:
                had_enough = deadline.remaining >= enough
                with self._large.output(attempt, deadline) as output:
                    judged = _judged(output, had_enough=had_enough)
                    fates[attempt.job.id] = self._attempts.conclude(attempt, judged)
        return fates


def _judged(outcome: Output | TriptychError, *, had_enough: bool) -> Output | TriptychError:
    """Makes a lack of time final for a job that had most of an invocation for itself."""
    if not (isinstance(outcome, DeadlineExceeded) and not isinstance(outcome, NotStarted) and had_enough):
        return outcome
    return TooSlow(
        "the job takes longer than the function may run: make it smaller, "
        "or deploy with a longer JobTimeout or more JobMemorySize"
    )


def _waves(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    at_ease = [arrival for arrival in arrivals if not _is_suspect(arrival)]
    suspects = [arrival for arrival in arrivals if _is_suspect(arrival)]
    wave: list[Arrival] = []
    weight = 0
    for arrival in sorted(at_ease, key=_model):
        another, more = wave and _model(wave[0]) != _model(arrival), _weight(arrival)
        if wave and (another or weight + more > WAVE):
            yield wave
            wave, weight = [], 0
        wave.append(arrival)
        weight += more
    if wave:
        yield wave
    for suspect in sorted(suspects, key=lambda found: found.job.attempts):
        yield [suspect]


def _model(arrival: Arrival) -> tuple[str, int]:
    return arrival.job.model, arrival.job.version or 0


def _weight(arrival: Arrival) -> int:
    if arrival.body is None:
        return _KEPT
    try:
        return max(len(arrival.body), plain_size(arrival.body, arrival.job.request.content_encoding))
    except TriptychError:  # too large, or not readable at all, as its own run will tell
        return PLAIN_LIMIT.bytes


def _is_suspect(arrival: Arrival) -> bool:
    error = arrival.job.error
    return arrival.job.status is Status.RUNNING or (error is not None and error.type == DeadlineExceeded.kind)
