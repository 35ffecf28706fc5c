"""Logs and metrics of jobs: what each step leaves behind, and what it does not."""

import json
from typing import Any

import pytest
from triptych.jobs.job import Job, JobRequest, Status
from triptych.jobs.telemetry import JobTelemetry
from triptych.lifecycle.record import Failure

ID = "00000000-0000-4000-8000-000000000001"
PRIVATE = "a very private text"
JOB = Job(ID, "digits", None, JobRequest(join=PRIVATE), "digest", 1, 2, input=f"s3://b/{PRIVATE}", attempts=2)
ERROR = Failure("BadRequest", f"it quotes {PRIVATE}", retryable=False)

type Line = dict[str, Any]


@pytest.fixture
def telemetry() -> JobTelemetry:
    """Telemetry of the worker, in an invocation."""
    watching = JobTelemetry("job-worker", "Triptych", "INFO")
    watching.request_started("the-invocation")
    return watching


def line(capsys: pytest.CaptureFixture[str]) -> Line:
    """The one line that was written."""
    (text,) = capsys.readouterr().out.splitlines()
    assert PRIVATE not in text
    written: Line = json.loads(text)
    return written


def metrics(written: Line) -> dict[str, tuple[float, str]]:
    """Values and units of the metrics that a line declares."""
    (declared,) = written["_aws"]["CloudWatchMetrics"]
    assert ("Triptych", [["model", "service"]]) == (declared["Namespace"], declared["Dimensions"])
    return {metric["Name"]: (written[metric["Name"]][0], metric["Unit"]) for metric in declared["Metrics"]}


def test_submitted(telemetry: JobTelemetry, capsys: pytest.CaptureFixture[str]) -> None:
    """A job that is accepted is counted for its model, and found by its id."""
    telemetry.job_submitted(JOB)
    written = line(capsys)
    assert {"JobsSubmitted": (1, "Count")} == metrics(written)
    assert ("digits", "job-worker", ID, "queued", "the-invocation", "INFO") == tuple(
        written[name] for name in ("model", "service", "job", "status", "request_id", "level")
    )


@pytest.mark.parametrize(
    ("status", "metric"),
    [(Status.QUEUED, "JobsRetried"), (Status.SUCCEEDED, "JobsSucceeded"), (Status.FAILED, "JobsFailed")],
)
def test_ran(
    telemetry: JobTelemetry, capsys: pytest.CaptureFixture[str], status: Status, metric: str
) -> None:
    """An attempt is counted by how it ended, with its number and the time in the queue."""
    job = JOB._replace(status=status, error=None if status is Status.SUCCEEDED else ERROR)
    telemetry.job_ran(job, 1234.5678)
    written = line(capsys)
    expected = {metric: (1, "Count"), "QueueTime": (1234.568, "Milliseconds"), "Attempts": (2, "Count")}
    assert expected == metrics(written)
    assert (status, job.error and "BadRequest", 2) == (
        written["status"],
        written["error"],
        written["attempts"],
    )


@pytest.mark.parametrize(
    ("service", "status", "expected"),
    [
        ("jobs", Status.CANCELLED, {"JobsCancelled"}),
        ("job-keeper", Status.EXPIRED, {"JobsExpired"}),
    ],
)
def test_ended(capsys: pytest.CaptureFixture[str], service: str, status: Status, expected: set[str]) -> None:
    """A job that nobody ran is counted by how it ended."""
    JobTelemetry(service, "Triptych", "INFO").job_ended(JOB._replace(status=status))
    assert dict.fromkeys(expected, (1, "Count")) == metrics(line(capsys))


def test_dead_letter(capsys: pytest.CaptureFixture[str]) -> None:
    """A job that was given up is counted as failed for its model, and as a dead letter for none."""
    JobTelemetry("job-keeper", "Triptych", "INFO").job_ended(JOB._replace(status=Status.FAILED, error=ERROR))
    failed, dead = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert ({"JobsFailed": (1, "Count")}, "digits") == (metrics(failed), failed["model"])
    assert ({"JobsDeadLettered": (1, "Count")}, "none") == (metrics(dead), dead["model"])
    assert (ID, ID) == (failed["job"], dead["job"])


def test_model_ran(telemetry: JobTelemetry, capsys: pytest.CaptureFixture[str]) -> None:
    """A run of a model is told once for all of its jobs."""
    telemetry.model_ran("digits", 3, 40, 12.3456)
    written = line(capsys)
    assert {"InferenceTime": (12.346, "Milliseconds"), "GroupSize": (40, "Count")} == metrics(written)
    assert ("digits", 3) == (written["model"], written["model_version"])


def test_batch_ended(telemetry: JobTelemetry, capsys: pytest.CaptureFixture[str]) -> None:
    """A batch belongs to no model."""
    telemetry.batch_ended(10, 4)
    written = line(capsys)
    assert ({"BatchSize": (10, "Count")}, "none", 4) == (
        metrics(written),
        written["model"],
        written["postponed"],
    )


def test_made_up_names(telemetry: JobTelemetry, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that a producer made up does not become a metric of its own."""
    unknown = JOB._replace(model="made-up", status=Status.FAILED, error=ERROR._replace(type="NotFound"))
    telemetry.job_ran(unknown, 1.0)
    assert "none" == line(capsys)["model"]
