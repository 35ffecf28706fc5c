"""A job as the API describes it, and the notification of its end.

The notification has the fields of SageMaker's asynchronous inference.

| field | what it holds here |
|---|---|
| awsRegion, eventVersion, eventSource, eventName | as SageMaker's; the source is `triptych.jobs` |
| receivedTime, eventTime | when the job was submitted, when it ended |
| invocationStatus | `Completed` for succeeded; `Failed` for failed, cancelled and expired |
| failureReason | why, when it failed |
| inferenceId | id of the job |
| requestParameters.endpointName | name of the model |
| requestParameters.inputLocation | where the input is stored, when it is |
| requestParameters.contentType | of the input |
| responseParameters.outputLocation | where the result is, when it is in S3 |
| responseParameters.contentType | its content type, when the job succeeded |
| responseBody | a small result itself, as `{"content": …, "encoding": "BASE64"}` |
| job | the job as `GET /v2/jobs/{id}` shows it; SageMaker has nothing like it |
"""

from __future__ import annotations

import pybase64

from triptych.aws.clients import AwsClients
from triptych.aws.notifications import Notification, Notifier
from triptych.clock import known_moment, moment
from triptych.jobs.job import Job, Status
from triptych.jobs.store import JobStorage
from triptych.jobs.transitions import overdue
from triptych.lifecycle.finalize import Finalizer, event_of, notification_of


def document(job: Job, now: int) -> dict[str, object]:
    """Describes a job in JSON; times are ISO 8601 in UTC, and what is not known is left out.

    A job that should have been started by `now`, in milliseconds since 1970, has expired.
    """
    described: dict[str, object] = {
        "id": job.id,
        "status": status_at(job, now),
        "model": job.model,
        "version": None if job.version is None else str(job.version),
        "target": job.target,
        "created_at": moment(job.created),
        "expires_at": moment(job.expires),
        "started_at": known_moment(job.started),
        "ended_at": known_moment(job.ended),
        "attempts": job.attempts,
        "redrives": job.redrives,
        "model_version": str(job.result.version) if job.result else None,
        "error": job.error._asdict() if job.error else None,
        "result": _result(job),
    }
    return {name: value for name, value in described.items() if value is not None}


def status_at(job: Job, now: int) -> Status:
    """Returns the status of a job: one that should have been started by now has expired."""
    return Status.EXPIRED if overdue(job, now) else job.status


def _result(job: Job) -> dict[str, object] | None:
    result = job.result
    if result is None:
        return None
    described: dict[str, object] = {
        "href": f"/v2/jobs/{job.id}/result",
        **({} if result.location is None else {"location": result.location}),
        "content_type": result.content_type,
        "size": result.size,
    }
    if result.header_length is not None:
        described["inference_header_content_length"] = result.header_length
    if result.filled:
        described["filled_cells"] = result.filled
    return described


SOURCE = "triptych.jobs"
_REASONS = {
    Status.CANCELLED: "the job was cancelled",
    Status.EXPIRED: "the job was not started in time",
}


def job_notifier(clients: AwsClients, topic_arn: str, region: str) -> Notifier[Job]:
    """Returns what publishes the end of a job; a notification names the region."""

    def describe(job: Job) -> Notification:
        return notification_of(job, SOURCE, f"Job {job.status}", notification(job, region))

    return Notifier(clients, topic_arn, "the topic of jobs", describe)


def job_finalizer(storage: JobStorage, notifier: Notifier[Job]) -> Finalizer[Job]:
    """Returns what finalizes jobs: only one that succeeded keeps a result."""

    def clean_up(job: Job) -> None:
        if job.status is not Status.SUCCEEDED:
            storage.results.delete(job)

    return Finalizer(storage.jobs, notifier, clean_up)


def notification(job: Job, region: str) -> dict[str, object]:
    """Describes how a job with a final status ended."""
    described: dict[str, object] = {
        **event_of(job, SOURCE, "InferenceResult", region),
        "invocationStatus": "Completed" if job.status is Status.SUCCEEDED else "Failed",
        "inferenceId": job.id,
        "requestParameters": _present(
            endpointName=job.model, inputLocation=job.input, contentType=job.request.content_type
        ),
        "job": document(job, job.ended or job.created),
    }
    if job.result:
        described["responseParameters"] = _present(
            outputLocation=job.result.location, contentType=job.result.content_type
        )
        if job.result.body is not None:
            content = pybase64.b64encode_as_string(job.result.body)
            described["responseBody"] = {"content": content, "encoding": "BASE64"}
    if reason := job.error.message if job.error and job.status is Status.FAILED else _REASONS.get(job.status):
        described["failureReason"] = reason
    return described


def _present(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
