"""What the functions of jobs make of the events in `events/`, wherever they run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from triptych.jobs.job import IDS

from local.jobs import Jobs

EVENTS = Path(__file__).parents[2] / "events"
UNKNOWN = "3e1f5a52-8c0d-4b7a-9d35-6f1c2b7e9a10"  # the job that the events of HTTP ask for

FIRST = "059f36b4"  # how the ids of all messages in the events begin

type Event = dict[str, Any]

type Invoke = Callable[[str, Event], Any]
"""Invokes a function, by its logical id, with an event; gives what it returns."""


def load(name: str, first: str = FIRST) -> Event:
    """Reads an event.

    Args:
        name: Its name.
        first: How the ids of its messages begin: with other ids they are other jobs.
    """
    event: Event = json.loads((EVENTS / f"{name}.json").read_text().replace(FIRST, first))
    return event


def check_submission(invoke: Invoke, jobs: Jobs) -> None:
    """The event of a submission makes a job, once, which the worker then runs."""
    answers = [invoke("JobsFunction", load("job-submit")) for _ in range(2)]
    assert [202, 202] == [answer["statusCode"] for answer in answers]
    first, second = (json.loads(answer["body"]) for answer in answers)
    assert first["id"] == second["id"]
    ended = jobs.ended(first["id"])
    assert ("succeeded", "penguins", "nightly") == (ended["status"], ended["model"], ended["target"])


def check_unknown_job(invoke: Invoke) -> None:
    """Who asks for a job that is not there is told so."""
    answer = invoke("JobsFunction", load("job-status"))
    assert 404 == answer["statusCode"]
    assert UNKNOWN in json.loads(answer["body"])["error"]


def check_messages(invoke: Invoke, jobs: Jobs, first: str = FIRST) -> None:
    """Messages of producers become jobs that succeed; the one that is no JSON becomes one that failed."""
    event = load("job-messages", first)
    assert {"batchItemFailures": []} == invoke("JobWorkerFunction", event)
    found = [jobs.get(job_id) for job_id in _ids(event)]
    assert ["digits", "penguins", "digits", "recommender", "unknown"] == [job["model"] for job in found]
    assert ["succeeded"] * 4 + ["failed"] == [job["status"] for job in found], found
    assert jobs.result(found[0]["id"]).json()["outputs"][0]["data"] == [7, 6]
    assert ["species"] == list(jobs.result(found[1]["id"]).json()["predictions"][0])
    assert "JSON" in found[4]["error"]["message"]


def check_dead_letters(invoke: Invoke, jobs: Jobs, first: str = FIRST) -> None:
    """The job of a dead letter has failed, for a reason that a redrive may help."""
    event = load("job-dead-letters", first)
    assert {"batchItemFailures": []} == invoke("JobKeeperFunction", event)
    (job_id,) = _ids(event)
    job = jobs.get(job_id)
    assert ("failed", True) == (job["status"], job["error"]["retryable"])
    jobs.redrive(job_id)
    assert "succeeded" == jobs.ended(job_id)["status"]


def check_sweep(invoke: Invoke) -> None:
    """The sweep settles what there is, and fails with nothing."""
    swept = invoke("JobKeeperFunction", load("job-sweep"))
    assert {"settled", "failed"} == set(swept)
    assert 0 == swept["failed"]


def _ids(event: Event) -> list[str]:
    return [_id(record["messageId"], record["body"]) for record in event["Records"]]


def _id(message_id: str, body: str) -> str:
    try:
        token = json.loads(body).get("client_token")
    except ValueError:
        return IDS.derived("unreadable", message_id)
    return IDS.derived("queue", token) if token else IDS.derived("message", message_id)
