"""Five hundred jobs of all kinds at once: each ends as it must, with the answer of real time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from numpy.random import default_rng

from local.jobs import Job, Jobs
from tests.e2e.job_requests import (
    JobRequest,
    Make,
    digits_binary,
    digits_json,
    films_json,
    penguins_csv,
    wrong_cell,
    wrong_shape,
)
from tests.support.answers import alike

COUNT = 500
THREADS = 4
GOOD = (digits_json, penguins_csv, films_json, digits_binary)
BAD = (wrong_shape, wrong_cell)
EVERY_BAD, EVERY_CANCELLED = 20, 16


class Handed(NamedTuple):
    """A job that was handed over.

    Attributes:
        request: What it was made of.
        bad: Whether it cannot succeed.
        id: Its id.
        cancelled: Whether it was cancelled before it ended.
    """

    request: JobRequest
    bad: bool
    id: str
    cancelled: bool


def test_many_jobs(jobs: Jobs, say: Callable[[str], None]) -> None:
    """Three models, three formats, one in twenty bad, some cancelled: every job ends in the one right way."""
    started = time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        handed = list(threads.map(lambda number: _handed(jobs, number), range(COUNT)))
        accepted = time.monotonic() - started
        ended = list(threads.map(lambda one: jobs.ended(one.id, 120), handed))
        seconds = time.monotonic() - started
        wrong = list(filter(None, threads.map(lambda *one: _wrong(jobs, *one), handed, ended)))

    assert [] == wrong
    counts = Counter(job["status"] for job in ended)
    assert {"failed": sum(one.bad and not one.cancelled for one in handed)} == {"failed": counts["failed"]}
    assert COUNT == counts["succeeded"] + counts["failed"] + counts["cancelled"]
    assert counts["cancelled"], "every job was faster than its cancellation"
    shown = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    say(f"{COUNT} jobs: {shown}, all as in real time; accepted in {accepted:.0f} s, ended in {seconds:.0f} s")


def _handed(jobs: Jobs, number: int) -> Handed:
    bad = number % EVERY_BAD == EVERY_BAD - 1
    request = _kind(number, bad=bad)(default_rng(1000 + number))
    job_id = request.as_job(jobs)["id"]
    cancelled = number % EVERY_CANCELLED == 0 and jobs.cancel(job_id)
    return Handed(request, bad, job_id, cancelled)


def _kind(number: int, *, bad: bool) -> Make:
    return BAD[number // EVERY_BAD % len(BAD)] if bad else GOOD[number % len(GOOD)]


def _wrong(jobs: Jobs, handed: Handed, job: Job) -> str | None:
    """Returns what is wrong about how a job ended."""
    expected = "cancelled" if handed.cancelled else "failed" if handed.bad else "succeeded"
    if expected != job["status"]:
        return f"expected {expected}: {job}"
    at_once = handed.request.in_real_time(jobs)
    match expected:
        case "cancelled":
            right = jobs.request("GET", f"/v2/jobs/{job['id']}/result").json()["status"] == "cancelled"
        case "failed":
            right = job["error"]["message"] == at_once.json()["error"] and not job["error"]["retryable"]
        case _:
            right = alike(at_once, jobs.result(job["id"]))
    return None if right else f"not as real time has it: {job}, {at_once.text}"
