"""The life of jobs on the deployed stack, over HTTP."""

from __future__ import annotations

import time

import httpx
import pytest
from numpy.random import default_rng

from local.jobs import Jobs
from tests.e2e.job_requests import (
    Make,
    digits_binary,
    digits_json,
    films_json,
    penguins_csv,
    penguins_parquet,
    rows_csv,
    wrong_shape,
)
from tests.support.answers import alike

TOO_LARGE_FOR_AN_ANSWER = 5 * 10**6
LATER = 900  # seconds: such a job does not start while a test runs


@pytest.mark.parametrize("make", [digits_json, digits_binary, films_json, penguins_csv, penguins_parquet])
def test_a_job_is_answered_as_real_time_is(jobs: Jobs, make: Make) -> None:
    """Whatever infer and predict take runs as a job, and the result is their answer."""
    request = make(default_rng(1))

    job = jobs.ended(request.as_job(jobs)["id"])

    assert ("succeeded", "1", 1) == (job["status"], job.get("model_version"), job["attempts"]), job
    assert alike(request.in_real_time(jobs), jobs.result(job["id"]))


def test_submission(jobs: Jobs) -> None:
    """A job is accepted at once, with the place where it is looked up."""
    request = films_json(default_rng(2))
    path = "/v2/models/recommender/versions/1/jobs"
    answer = jobs.request("POST", path, content=request.body, headers={"content-type": request.kind})

    assert 202 == answer.status_code
    job = answer.json()
    assert ("queued", "recommender", "1") == (job["status"], job["model"], job["version"])
    there = answer.request.url.join(answer.headers["location"])
    assert job["id"] == jobs.request("GET", str(there)).json()["id"]


def test_an_upload(jobs: Jobs) -> None:
    """A file too large for any request is uploaded by a form, and its result comes from S3."""
    rows = rows_csv(default_rng(3), 560_000)
    assert 20 * 10**6 < len(rows)
    name = jobs.upload(rows, "text/csv")

    answer = jobs.request("POST", "/v2/models/penguins/jobs", json={"input": name})
    job = jobs.ended(answer.json()["id"], 120)

    assert "succeeded" == job["status"], job
    assert TOO_LARGE_FOR_AN_ANSWER < job["result"]["size"]
    assert 303 == jobs.request("GET", job["result"]["href"]).status_code
    lines = jobs.result(job["id"]).content.splitlines()
    assert len(rows.splitlines()) == len(lines)
    _assert_sample_is_right(jobs, rows.splitlines(), lines)


def _assert_sample_is_right(jobs: Jobs, rows: list[bytes], lines: list[bytes]) -> None:
    picked = [0, *range(1, len(rows), len(rows) // 1000), len(rows) - 1]
    sample = b"\n".join(rows[line] for line in picked)
    headers = {"content-type": "text/csv"}
    expected = jobs.request("POST", "/v2/models/penguins/predict", content=sample, headers=headers)
    found = httpx.Response(
        200,
        headers={"content-type": expected.headers["content-type"]},
        content=b"\n".join(lines[line] for line in picked),
    )
    assert alike(expected, found)


def test_the_same_key_makes_one_job(jobs: Jobs) -> None:
    """A repeated request gives the job of the first; the key is refused for anything else."""
    request, other = films_json(default_rng(4)), films_json(default_rng(5))
    headers = {"content-type": "application/json", "idempotency-key": f"once-{time.time_ns()}"}
    path = "/v2/models/recommender/jobs"

    first, again, different = (
        jobs.request("POST", path, content=body, headers=headers)
        for body in (request.body, request.body, other.body)
    )

    assert (202, 202, 409) == (first.status_code, again.status_code, different.status_code)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["id"] in different.json()["error"]


def test_cancel(jobs: Jobs) -> None:
    """A cancelled job has no result, and one that has ended stays as it is."""
    waiting = films_json(default_rng(6)).as_job(jobs, delay=LATER)["id"]

    assert jobs.cancel(waiting)
    assert jobs.cancel(waiting)

    assert "cancelled" == jobs.get(waiting)["status"]
    refused = jobs.request("GET", f"/v2/jobs/{waiting}/result")
    assert (409, "cancelled") == (refused.status_code, refused.json()["status"])
    done = jobs.ended(films_json(default_rng(7)).as_job(jobs)["id"])
    assert not jobs.cancel(done["id"])


def test_a_bad_job_fails_with_the_words_of_real_time(jobs: Jobs) -> None:
    """What only the model can refuse fails when it runs, at once and for good."""
    request = wrong_shape(default_rng(8))

    job = jobs.ended(request.as_job(jobs)["id"])

    assert ("failed", 1, False) == (job["status"], job["attempts"], job["error"]["retryable"])
    assert request.in_real_time(jobs).json()["error"] == job["error"]["message"]


def test_what_can_be_told_early_is_refused_early(jobs: Jobs) -> None:
    """A request that is none makes no job."""
    for path, body, status in (
        ("/v2/models/digits/jobs", b"{", 400),
        ("/v2/models/nothing/jobs", b'{"inputs": []}', 404),
        ("/v2/models/digits/jobs?time_to_live=1", digits_json(default_rng(9)).body, 400),
    ):
        answer = jobs.request("POST", path, content=body, headers={"content-type": "application/json"})
        assert (status, ["error"]) == (answer.status_code, list(answer.json()))


def test_the_list(jobs: Jobs) -> None:
    """Jobs are listed newest first; pages leave nothing out and nothing twice."""
    made = [films_json(default_rng(10)).as_job(jobs, delay=LATER)["id"] for _ in range(5)]

    listed = [job["id"] for job in jobs.newest(model="recommender", status="queued", limit=2)]

    assert made[::-1] == [job for job in listed if job in made]
    for job_id in made:
        assert jobs.cancel(job_id)
    listed = [job["id"] for job in jobs.newest(status="cancelled", limit=3)]
    assert len(set(listed)) == len(listed)
    assert set(made) <= set(listed)


def test_rows_are_answered_as_they_are_wanted(jobs: Jobs) -> None:
    """The options of predict are those of a job."""
    request = penguins_csv(default_rng(11))

    job = jobs.ended(request.as_job(jobs, accept="application/json", join="island", outputs="species")["id"])

    (first, *_) = jobs.result(job["id"]).json()["predictions"]
    assert ["island", "species"] == list(first)
