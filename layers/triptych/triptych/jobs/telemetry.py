"""Logs and metrics of jobs: one line for each step of a job, each run of a model, each batch of messages."""

from __future__ import annotations

from collections.abc import Mapping

from triptych.aws.telemetry import NO_MODEL, Telemetry
from triptych.errors import NotFound
from triptych.jobs.job import UNKNOWN_MODEL, Job, Status

_ENDED = {
    Status.QUEUED: "JobsRetried",
    Status.SUCCEEDED: "JobsSucceeded",
    Status.FAILED: "JobsFailed",
    Status.CANCELLED: "JobsCancelled",
    Status.EXPIRED: "JobsExpired",
}


class JobTelemetry(Telemetry):
    """Writes logs and metrics of jobs, beside those of requests."""

    def job_submitted(self, job: Job) -> None:
        """A job was accepted."""
        self._job_event(job, {"JobsSubmitted": 1.0}, "job submitted")

    def job_ran(self, job: Job, queue_milliseconds: float) -> None:
        """An attempt at a job ended; the record says how. It had waited so long from its creation on."""
        values = {**_counted(job), "QueueTime": queue_milliseconds, "Attempts": float(job.attempts)}
        self._job_event(job, values, "job ran")

    def model_ran(self, model: str, version: int, jobs: int, milliseconds: float) -> None:
        """A model was run, for one job or for several."""
        values = {"InferenceTime": milliseconds, "GroupSize": float(jobs)}
        self.event(model, values, "model ran", model_version=version)

    def job_ended(self, job: Job) -> None:
        """A job was ended by somebody who did not run it: expired, cancelled, a dead letter."""
        self._job_event(job, _counted(job), "job ended")
        if job.status is Status.FAILED:  # a dead letter; an alarm watches one metric, whatever the model
            self.event(NO_MODEL, {"JobsDeadLettered": 1.0}, "dead letter", job=job.id)

    def batch_ended(self, messages: int, postponed: int) -> None:
        """A batch of messages was processed, and some of them come again."""
        self.event(NO_MODEL, {"BatchSize": float(messages)}, "batch ended", postponed=postponed)

    def _job_event(self, job: Job, values: Mapping[str, float], message: str) -> None:
        error = job.error.type if job.error else None
        state = {"status": job.status.value, "error": error, "attempts": job.attempts}
        self.event(_model(job), values, message, job=job.id, **state)


def _counted(job: Job) -> dict[str, float]:
    return {_ENDED[job.status]: 1.0} if job.status in _ENDED else {}


def _model(job: Job) -> str:
    """Returns the model if it is known to exist: a name that a producer made up must not become a metric."""
    tried = (
        job.attempts and job.model != UNKNOWN_MODEL and not (job.error and job.error.type == NotFound.kind)
    )
    return job.model if tried or job.status is Status.QUEUED else NO_MODEL
