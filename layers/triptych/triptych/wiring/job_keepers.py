"""The functions that end jobs which nobody else ends: of dead letters, and by the sweep."""

from __future__ import annotations

from collections.abc import Callable

from triptych.aws.consumer import Context, SqsTrigger
from triptych.clock import Clock, Deadline
from triptych.errors import ServiceUnavailable
from triptych.jobs.attempts import Backoff
from triptych.jobs.consumer import Intake
from triptych.jobs.reaper import DeadLetters, Sweep
from triptych.jobs.telemetry import JobTelemetry
from triptych.settings import (
    JobSettings,
    TelemetrySettings,
    jobs_from_environment,
    telemetry_from_environment,
)
from triptych.wiring.keeping import keeping, wall_clock

_SAFETY_MARGIN = 2.0
"""Seconds kept for ending a sweep."""


def dead_letters(
    telemetry: TelemetrySettings | None = None, jobs: JobSettings | None = None, clock: Clock = wall_clock
) -> SqsTrigger:
    """Makes the function that ends the jobs of dead letters.

    Args:
        telemetry: How it logs; read from the environment when not given.
        jobs: Its settings; read from the environment when not given.
        clock: Tells the time.
    """
    jobs = jobs or jobs_from_environment()
    kept = keeping(jobs)
    observer = _observer(telemetry)
    ends = DeadLetters(
        intake=Intake(kept.jobs, kept.inputs, kept.limits, clock),
        inputs=kept.inputs,
        ledger=kept.ledger,
        endings=kept.endings,
        observer=observer,
        backoff=Backoff(jobs.retry_seconds),
        clock=clock,
    )
    return SqsTrigger(ends.process, kept.queue, observer)


def sweep(
    telemetry: TelemetrySettings | None = None, jobs: JobSettings | None = None, clock: Clock = wall_clock
) -> Callable[[Context], dict[str, int]]:
    """Makes the function that looks after jobs which nobody else looks after.

    Args:
        telemetry: How it logs; read from the environment when not given.
        jobs: Its settings; read from the environment when not given.
        clock: Tells the time.

    Returns:
        A function from Lambda's context to what the sweep did.
    """
    kept = keeping(jobs or jobs_from_environment())
    observer = _observer(telemetry)
    sweeping = Sweep(kept.jobs, kept.endings, observer, clock)

    def run(context: Context) -> dict[str, int]:
        observer.request_started(context.aws_request_id)
        seconds = context.get_remaining_time_in_millis() / 1000 - _SAFETY_MARGIN
        swept = sweeping.run(Deadline.after(seconds))
        if swept.failed:  # an error of the function raises an alarm; the log has each reason
            raise ServiceUnavailable(f"{swept.failed} jobs could not be settled, {swept.settled} were")
        return swept._asdict()

    return run


def _observer(settings: TelemetrySettings | None) -> JobTelemetry:
    return JobTelemetry(*(settings or telemetry_from_environment()))
