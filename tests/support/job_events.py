"""What the functions of jobs make of the events in `events/`, wherever they run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from triptych.jobs.ids import derived_id

from local.jobs import Jobs

EVENTS = Path(__file__).parents[2] / "events"
UNKNOWN = "3e1f5a52-8c0d-4b7a-9d35-6f1c2b7e9a10"  # the job that the events of HTTP ask for

type Invoke = Callable[[str, str], Any]
"""Invokes a function, by its logical id, with an event, by its name; gives what it returns."""


def check_submission(invoke: Invoke, jobs: Jobs) -> None:
    """The event of a submission makes a job, once, which the worker then runs."""
    answers = [invoke("JobsFunction", "job-submit") for _ in range(2)]
    assert [202, 202] == [answer["statusCode"] for answer in answers]
    first, second = (json.loads(answer["body"]) for answer in answers)
    assert first["id"] == second["id"]
    ended = jobs.ended(first["id"])
    assert ("succeeded", "penguins", "nightly") == (ended["status"], ended["model"], ended["target"])


def check_unknown_job(invoke: Invoke) -> None:
    """Who asks for a job that is not there is told so."""
    answer = invoke("JobsFunction", "job-status")
    assert 404 == answer["statusCode"]
    assert UNKNOWN in json.loads(answer["body"])["error"]


def check_messages(invoke: Invoke, jobs: Jobs) -> None:
    """Messages of producers become jobs that succeed; the one that is no JSON becomes one that failed."""
    assert {"batchItemFailures": []} == invoke("JobWorkerFunction", "job-messages")
    found = [jobs.get(job_id) for job_id in _ids("job-messages")]
    assert ["digits", "penguins", "digits", "recommender", "unknown"] == [job["model"] for job in found]
    assert ["succeeded"] * 4 + ["failed"] == [job["status"] for job in found]
    assert jobs.result(found[0]["id"]).json()["outputs"][0]["data"] == [7, 6]
    assert ["species"] == list(jobs.result(found[1]["id"]).json()["predictions"][0])
    assert "JSON" in found[4]["error"]["message"]


def check_dead_letters(invoke: Invoke, jobs: Jobs) -> None:
    """The job of a dead letter has failed, for a reason that a redrive may help."""
    assert {"batchItemFailures": []} == invoke("JobDeadLetterFunction", "job-dead-letters")
    (job_id,) = _ids("job-dead-letters")
    job = jobs.get(job_id)
    assert ("failed", True) == (job["status"], job["error"]["retryable"])
    jobs.redrive(job_id)
    assert "succeeded" == jobs.ended(job_id)["status"]


def check_sweep(invoke: Invoke) -> None:
    """The sweep settles what there is, and fails with nothing."""
    swept = invoke("JobSweepFunction", "job-sweep")
    assert {"settled", "failed"} == set(swept)
    assert 0 == swept["failed"]


def _ids(event: str) -> list[str]:
    records = json.loads((EVENTS / f"{event}.json").read_text())["Records"]
    return [_id(record["messageId"], record["body"]) for record in records]


def _id(message_id: str, body: str) -> str:
    try:
        token = json.loads(body).get("client_token")
    except ValueError:
        return derived_id("unreadable", message_id)
    return derived_id("queue", token) if token else derived_id("message", message_id)
