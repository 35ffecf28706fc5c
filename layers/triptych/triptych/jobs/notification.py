"""The notification of the end of a job, with the fields of SageMaker's asynchronous inference.

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
| responseParameters.outputLocation, .contentType | where the result is and what, when it succeeded |
| job | the job as `GET /v2/jobs/{id}` shows it; SageMaker has nothing like it |
"""

from __future__ import annotations

from functools import partial

from triptych.aws.clients import AwsClients
from triptych.aws.notifications import Notification, Notifier
from triptych.jobs.document import document
from triptych.jobs.job import Job, Status
from triptych.jobs.store import JobStorage
from triptych.lifecycle.finalize import Finalizer
from triptych.lifecycle.notification import event_of, notification_of

SOURCE = "triptych.jobs"
_REASONS = {
    Status.CANCELLED: "the job was cancelled",
    Status.EXPIRED: "the job was not started in time",
}


def job_notifier(clients: AwsClients, topic_arn: str, region: str) -> Notifier[Job]:
    """Returns what publishes the end of a job; a notification names the region."""
    return Notifier(clients, topic_arn, "the topic of jobs", partial(_notification, region=region))


def job_finalizer(storage: JobStorage, notifier: Notifier[Job]) -> Finalizer[Job]:
    """Returns what finalizes jobs: only one that succeeded keeps a result."""

    def clean_up(job: Job) -> None:
        if job.status is not Status.SUCCEEDED:
            storage.results.delete(job)

    return Finalizer(storage.jobs, notifier, clean_up)


def notification(job: Job, region: str) -> dict[str, object]:
    """Describes how a job ended.

    Args:
        job: A job with a final status.
        region: AWS region that it ran in.
    """
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
        described["responseParameters"] = {
            "outputLocation": job.result.location,
            "contentType": job.result.content_type,
        }
    if reason := job.error.message if job.error and job.status is Status.FAILED else _REASONS.get(job.status):
        described["failureReason"] = reason
    return described


def _notification(job: Job, region: str) -> Notification:
    return notification_of(job, SOURCE, f"Job {job.status}", notification(job, region))


def _present(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
