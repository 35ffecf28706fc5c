"""Jobs: looking at them, waiting for them, cancelling them, queueing them again."""

from __future__ import annotations

from triptych.errors import BadRequest
from triptych.http.job_answer import accepted, job_response
from triptych.http.job_services import JobServices
from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.jobs.document import document
from triptych.jobs.job import Status
from triptych.jobs.options import options

MAX_WAIT = 20
"""Seconds that an answer is held back at most: API Gateway gives up after 29."""

MAX_PAGE, DEFAULT_PAGE = 100, 20
"""Jobs that one answer lists."""


def one(services: JobServices, request: Request) -> Response:
    """Shows a job; with `wait`, once it has ended or that many seconds are over."""
    seconds = request.whole("wait", 0, MAX_WAIT, 0)
    job_id = request.path["id"]
    job = services.desk.wait(job_id, seconds, request.deadline) if seconds else services.desk.job(job_id)
    return job_response(services, job)


def newest(services: JobServices, request: Request) -> Response:
    """Lists jobs, the newest first."""
    page = services.desk.page(
        model=request.query.get("model"),
        status=_status(request.query.get("status")),
        after=request.query.get("next"),
        limit=request.whole("limit", 1, MAX_PAGE, DEFAULT_PAGE),
    )
    now = services.clock()
    listed: dict[str, object] = {"jobs": [document(job, now) for job in page.jobs]}
    return json_response(listed if page.next is None else {**listed, "next": page.next})


def cancel(services: JobServices, request: Request) -> Response:
    """Cancels a job that has not ended."""
    return job_response(services, services.desk.cancel(request.path["id"]))


def redrive(services: JobServices, request: Request) -> Response:
    """Queues a job again that failed for a reason that may be gone."""
    chosen = options({"time_to_live": request.query.get("time_to_live")}, services.limits)
    return accepted(services, request, services.desk.redrive(request.path["id"], chosen.time_to_live))


def _status(value: str | None) -> Status | None:
    if value is not None and value not in Status:
        raise BadRequest(f"status: expected one of {', '.join(Status)}, got {value[:32]!r}")
    return None if value is None else Status(value)
