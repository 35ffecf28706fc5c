"""Looking at jobs, waiting for them, listing, cancelling and redriving them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

import pytest
from triptych.http.request import MAX_WAIT
from triptych.models.repository import ModelRepository

from tests.support.job_fakes import NOW
from tests.support.jobs_api import DAY, JOB_ID, LASTING, JobsApi
from tests.support.realtime import Answer, Call
from tests.unit.fakes.storage import MemoryStorage

JOB = "/v2/jobs/{id}"
REDRIVE = "/v2/jobs/{id}/redrive"


@pytest.fixture
def api(tmp_path: Path) -> JobsApi:
    """The function, which needs no model here."""
    return JobsApi(ModelRepository([MemoryStorage(tmp_path)], 60))


def call(
    api: JobsApi,
    method: str,
    resource: str = JOB,
    query: Mapping[str, str] | None = None,
    milliseconds: int = 28_000,
) -> Answer:
    """Calls a route of the job."""
    path = {"id": JOB_ID} if "{id}" in resource else {}
    return api.function.handle(Call(method, resource, path, query=query or {}).event(), milliseconds)


def test_read(api: JobsApi) -> None:
    """A job that succeeded tells when, in how many attempts, with which version, and where its result is."""
    job = api.succeeded()
    assert job.result is not None
    answer = call(api, "GET")
    assert 200 == answer.status
    assert {
        "id": JOB_ID,
        "status": "succeeded",
        "model": "penguins",
        "created_at": "2026-01-01T00:00:00.000Z",
        "expires_at": "2026-01-02T00:00:00.000Z",
        "started_at": "2026-01-01T00:00:00.000Z",
        "ended_at": "2026-01-01T00:00:00.000Z",
        "attempts": 1,
        "redrives": 0,
        "model_version": "1",
        "result": {
            "href": f"/v2/jobs/{JOB_ID}/result",
            "location": job.result.location,
            "content_type": "text/csv",
            "size": 15,
        },
    } == answer.json()


def test_read_failed(api: JobsApi) -> None:
    """A job that failed tells why, and whether it may be tried again."""
    api.failed(LASTING)
    assert LASTING._asdict() == call(api, "GET").json()["error"]


def test_read_overdue(api: JobsApi) -> None:
    """A job that nobody started in time has expired: whoever looks first makes it so, and it is told."""
    api.queued()
    api.clock.advance(DAY)
    assert "expired" == call(api, "GET").json()["status"]
    assert [JOB_ID] == [job.id for job in api.notifier.published]


@pytest.mark.parametrize("job_id", [str(uuid.UUID(int=1)), "x" * 5000, "../jobs", JOB_ID.upper()])
@pytest.mark.parametrize(
    ("method", "resource"),
    [("GET", JOB), ("DELETE", JOB), ("POST", REDRIVE), ("GET", "/v2/jobs/{id}/result")],
)
def test_unknown(api: JobsApi, method: str, resource: str, job_id: str) -> None:
    """A job that is not there is a 404, whatever its id looks like."""
    api.queued()
    answer = api.function.handle(Call(method, resource, {"id": job_id}).event())
    assert 404 == answer.status
    assert answer.error.startswith("there is no job ")


def test_wait(api: JobsApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits is answered as soon as the job has ended."""
    api.running()
    monkeypatch.setattr(time, "sleep", lambda _seconds: api.succeeded())
    assert "succeeded" == call(api, "GET", JOB, {"wait": str(MAX_WAIT)}).json()["status"]


def test_wait_in_vain(api: JobsApi) -> None:
    """When the seconds are over, the job is shown as it is."""
    api.running()
    started = time.monotonic()
    assert "running" == call(api, "GET", JOB, {"wait": "1"}).json()["status"]
    assert 1 <= time.monotonic() - started < 3


def test_wait_no_longer_than_the_function_has(api: JobsApi) -> None:
    """Nobody waits until the function is stopped."""
    api.running()
    started = time.monotonic()
    assert 200 == call(api, "GET", JOB, {"wait": "20"}, 1500).status
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("wait", ["21", "-1", "1.5", "", "soon", "٣", "9" * 5000])
def test_wait_refused(api: JobsApi, wait: str) -> None:
    """Only whole seconds that the gateway waits too can be waited."""
    api.queued()
    answer = call(api, "GET", JOB, {"wait": wait})
    assert 400 == answer.status
    assert answer.error.startswith("wait: expected a whole number from 0 to 20")


def test_list(api: JobsApi) -> None:
    """Pages list jobs from the newest, each once, until there is no next one."""
    ids = [str(uuid.UUID(int=number)) for number in range(5)]
    for job_id in ids:
        api.queued(job_id)
        api.clock.advance(1)
    pages = [call(api, "GET", "/v2/jobs", {"limit": "2"}).json()]
    while "next" in pages[-1]:
        pages.append(call(api, "GET", "/v2/jobs", {"limit": "2", "next": pages[-1]["next"]}).json())
    assert [2, 2, 1] == [len(page["jobs"]) for page in pages]
    assert ids[::-1] == [job["id"] for page in pages for job in page["jobs"]]


def test_list_is_short_unless_asked(api: JobsApi) -> None:
    """Twenty jobs are listed when nobody says how many."""
    for number in range(21):
        api.queued(str(uuid.UUID(int=number)))
    assert 20 == len(call(api, "GET", "/v2/jobs").json()["jobs"])


def test_list_by_model_and_status(api: JobsApi) -> None:
    """A list can be of one model, and of one state: that which a job has now, recorded or not."""
    digits, late, running = (str(uuid.UUID(int=number)) for number in range(3))
    api.queued(digits, "digits")
    api.queued(late)
    api.clock.advance(DAY)
    api.running(running)

    def listed(**query: str) -> list[str]:
        return [job["id"] for job in call(api, "GET", "/v2/jobs", query).json()["jobs"]]

    assert [running, late] == listed(model="penguins")
    assert [late, digits] == listed(status="expired")
    assert [digits] == listed(status="expired", model="digits")
    assert [running] == listed(status="running")
    assert [] == listed(status="queued")
    assert [] == listed(model="unknown")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"status": "done"},
            "status: expected one of queued, running, succeeded, failed, cancelled, expired",
        ),
        ({"status": ""}, "status: expected one of"),
        ({"limit": "0"}, "limit: expected a whole number from 1 to 100, got '0'"),
        ({"limit": "101"}, "limit: expected a whole number from 1 to 100"),
        ({"next": "x"}, "next: "),
    ],
)
def test_list_refused(api: JobsApi, query: dict[str, str], message: str) -> None:
    """What no list can be of is refused, with what it can be."""
    answer = call(api, "GET", "/v2/jobs", query)
    assert 400 == answer.status
    assert answer.error.startswith(message)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_cancel(api: JobsApi, state: str) -> None:
    """A job that has not ended is cancelled, told once, and stays so when cancelled again."""
    getattr(api, state)()
    answers = [call(api, "DELETE"), call(api, "DELETE")]
    assert [(200, "cancelled")] * 2 == [(answer.status, answer.json()["status"]) for answer in answers]
    assert ["cancelled"] == [job.status for job in api.notifier.published]


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_cancel_too_late(api: JobsApi, state: str) -> None:
    """A job that has ended cannot be cancelled; the message says how it ended."""
    getattr(api, state)()
    answer = call(api, "DELETE")
    assert (409, f"job {JOB_ID} is {state}: it cannot be cancelled") == (answer.status, answer.error)


def test_redrive(api: JobsApi) -> None:
    """A job that may succeed now is queued again, for as long as asked for."""
    api.failed()
    answer = call(api, "POST", REDRIVE, {"time_to_live": "60"})
    document = answer.json()
    assert (202, "queued", 1, "1") == (
        answer.status,
        document["status"],
        document["redrives"],
        answer.headers["Retry-After"],
    )
    base = "https://host/api/v2/jobs"
    assert f"{base}/{JOB_ID}" == urljoin(f"{base}/{JOB_ID}/redrive", answer.headers["Location"])
    assert (NOW + 60_000, 1) == (api.store.jobs[JOB_ID].expires, len(api.queue.sent))


@pytest.mark.parametrize(
    ("state", "message"),
    [("queued", f"job {JOB_ID} is queued"), ("succeeded", f"job {JOB_ID} is succeeded")],
)
def test_redrive_refused(api: JobsApi, state: str, message: str) -> None:
    """Only what has failed is queued again."""
    getattr(api, state)()
    answer = call(api, "POST", REDRIVE)
    assert 409 == answer.status
    assert answer.error.startswith(message)


def test_redrive_of_what_would_fail_again(api: JobsApi) -> None:
    """A job whose request was wrong is not queued again; the reason is given."""
    api.failed(LASTING)
    answer = call(api, "POST", REDRIVE)
    assert (409, f"job {JOB_ID} would fail again: missing input 'image'") == (answer.status, answer.error)


def test_redrive_with_options_that_cannot_be(api: JobsApi) -> None:
    """The time to live is checked as that of a new job."""
    api.failed()
    assert 400 == call(api, "POST", REDRIVE, {"time_to_live": "1"}).status
