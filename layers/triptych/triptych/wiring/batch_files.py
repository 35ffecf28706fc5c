"""The functions that transform files: of uploads, and for the state machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from triptych.aws.consumer import SAFETY_MARGIN, Context
from triptych.batches.events import Executions, Reminders, execution_of, reminder_of, schedule_of, uploads_of
from triptych.batches.service import BatchSubmitter
from triptych.batches.steps import WorkflowSteps
from triptych.batches.trigger import S3Trigger
from triptych.batches.uploads import UploadLimits, Uploads
from triptych.clock import Clock, Deadline
from triptych.settings import BatchSettings, Settings, batches_from_environment, from_environment
from triptych.wiring.batching import batching
from triptych.wiring.keeping import wall_clock

Step = Literal["plan", "chunk", "merge"]


def batch_uploads(
    settings: Settings | None = None, batches: BatchSettings | None = None, clock: Clock = wall_clock
) -> S3Trigger:
    """Makes the function that takes uploads.

    Args:
        settings: The function's settings; read from the environment when not given.
        batches: Its settings for batches; read from the environment when not given.
        clock: Tells the time.
    """
    batches = batches or batches_from_environment()
    made = batching(settings or from_environment(), batches, clock)
    limits = UploadLimits(batches.direct_bytes, batches.max_attempts)
    uploads = Uploads(made.places, made.store, made.ledger, made.steps, limits, made.telemetry, clock)

    starter = made.steps.starter
    reminders = Reminders(made.store, starter, made.steps.endings)
    submitter = BatchSubmitter(made.store, starter, made.steps.endings, made.telemetry, clock)
    executions = Executions(made.store, made.steps.endings)

    def take(event: dict[str, Any], deadline: Deadline) -> int | None:
        if reminded := reminder_of(event):
            reminders.take(reminded)
            return None
        if schedule := schedule_of(event):
            submitter.scheduled(*schedule)
            return None
        if execution := execution_of(event):
            executions.ended(execution)
            return None
        waits = [uploads.take(upload, deadline) for upload in uploads_of(event)]
        return min((seconds for seconds in waits if seconds is not None), default=None)

    return S3Trigger(take, made.queue, made.telemetry)


def batch_step(
    step: Step,
    settings: Settings | None = None,
    batches: BatchSettings | None = None,
    clock: Clock = wall_clock,
) -> Callable[[dict[str, Any], Context], dict[str, Any]]:
    """Makes a function of the state machine.

    Args:
        step: Which.
        settings: The function's settings; read from the environment when not given.
        batches: Its settings for batches; read from the environment when not given.
        clock: Tells the time.
    """
    batches = batches or batches_from_environment()
    made = batching(settings or from_environment(), batches, clock)
    steps = WorkflowSteps(made.places, made.store, made.ledger, made.steps, clock)
    run = {"plan": steps.plan, "chunk": steps.chunk, "merge": steps.merge}[step]

    def handle(event: dict[str, Any], context: Context) -> dict[str, Any]:
        made.telemetry.request_started(context.aws_request_id)
        seconds = context.get_remaining_time_in_millis() / 1000 - SAFETY_MARGIN
        return run(event, Deadline.after(seconds))

    return handle
