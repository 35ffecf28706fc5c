"""Jobs as their callers see them, and what is told when they end."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from triptych.clock import moment
from triptych.jobs.document import document, notification
from triptych.jobs.job import Job, JobRequest, JobResult, Status
from triptych.lifecycle.record import Failure
from triptych.protocol.json_document import dump

from tests.support.contract import DOCUMENT
from tests.support.job_strategies import MOMENTS, ended_jobs, jobs
from tests.support.properties import examples

NOW = 1_767_225_600_000
RESULT = JobResult("s3://results/results/a", "application/octet-stream", 15, 100, 2)
ERROR = Failure("BadRequest", "missing input 'x'", retryable=False)
JOB = Job("a", "iris", None, JobRequest("text/csv"), "digest", NOW, NOW + 60_000)
SCHEMA = {**DOCUMENT["components"]["schemas"]["Job"], "components": DOCUMENT["components"]}


@examples(100)
@given(job=jobs(), now=MOMENTS)
def test_schema(job: Job, now: int) -> None:
    """Whatever a record holds, its document is as the API's document says."""
    shown = json.loads(dump(document(job, now)))
    assert [] == [error.message for error in Draft202012Validator(SCHEMA).iter_errors(shown)]


@pytest.mark.parametrize(
    ("job", "now", "status"),
    [
        (JOB, NOW, "queued"),
        (JOB, NOW + 60_000, "expired"),
        (JOB._replace(status=Status.RUNNING, lease=NOW + 90_000), NOW + 60_000, "running"),
        (JOB._replace(status=Status.RUNNING, lease=NOW + 90_000), NOW + 90_000, "expired"),
        (JOB._replace(status=Status.SUCCEEDED), NOW + 60_000, "succeeded"),
    ],
)
def test_status(job: Job, now: int, status: str) -> None:
    """A job whose time is over shows as expired, though nobody has recorded it; not while it runs."""
    assert status == document(job, now)["status"]


def test_binary_result() -> None:
    """A result with raw tensors says how long its JSON is, and which version made it."""
    shown = document(JOB._replace(status=Status.SUCCEEDED, result=RESULT), NOW)
    assert ("2", 15) == (shown["model_version"], shown["result"]["inference_header_content_length"])  # type: ignore[index]


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NOW, "2026-01-01T00:00:00.000Z"),
        (NOW + 1, "2026-01-01T00:00:00.001Z"),
        (NOW + 999, "2026-01-01T00:00:00.999Z"),
    ],
)
def test_moment(milliseconds: int, written: str) -> None:
    """A time is ISO 8601 in UTC, to the millisecond."""
    assert written == moment(milliseconds)


def test_notification_of_success() -> None:
    """Success is told in SageMaker's words, with the job itself beside them."""
    job = JOB._replace(
        status=Status.SUCCEEDED,
        ended=NOW + 500,
        result=RESULT,
        input="s3://inputs/inputs/a",
        target="nightly",
    )
    assert {
        "awsRegion": "eu-central-1",
        "eventVersion": "1.0",
        "eventSource": "triptych.jobs",
        "eventName": "InferenceResult",
        "receivedTime": "2026-01-01T00:00:00.000Z",
        "eventTime": "2026-01-01T00:00:00.500Z",
        "invocationStatus": "Completed",
        "inferenceId": "a",
        "requestParameters": {
            "endpointName": "iris",
            "inputLocation": "s3://inputs/inputs/a",
            "contentType": "text/csv",
        },
        "responseParameters": {
            "outputLocation": "s3://results/results/a",
            "contentType": "application/octet-stream",
        },
        "job": document(job, NOW + 500),
    } == notification(job, "eu-central-1")


def test_inline_result() -> None:
    """A result in the record has no location: the notification brings it along."""
    result = JobResult(None, "text/csv", None, 3, 1, body=b"abc")
    told = notification(JOB._replace(status=Status.SUCCEEDED, ended=NOW, result=result), "eu-central-1")
    assert {"contentType": "text/csv"} == told["responseParameters"]
    assert {"content": "YWJj", "encoding": "BASE64"} == told["responseBody"]
    shown = {"href": "/v2/jobs/a/result", "content_type": "text/csv", "size": 3}
    assert shown == told["job"]["result"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (JOB._replace(status=Status.FAILED, error=ERROR), "missing input 'x'"),
        (JOB._replace(status=Status.CANCELLED, error=ERROR), "the job was cancelled"),
        (JOB._replace(status=Status.EXPIRED), "the job was not started in time"),
    ],
)
def test_notification_of_failure(job: Job, reason: str) -> None:
    """Every other end is a failure in SageMaker's words; the job tells which, and the reason why."""
    told = notification(job._replace(ended=NOW), "eu-central-1")
    assert ("Failed", reason) == (told["invocationStatus"], told["failureReason"])
    assert job.status == told["job"]["status"]  # type: ignore[index]
    assert "responseParameters" not in told


@examples(100)
@given(job=ended_jobs())
def test_notification_agrees(job: Job) -> None:
    """What is told never contradicts the state of the job."""
    told = json.loads(dump(notification(job, "eu-central-1")))
    assert job.status == told["job"]["status"]
    assert (job.status is Status.SUCCEEDED) == (told["invocationStatus"] == "Completed")
