"""Results of jobs."""

from __future__ import annotations

from triptych.errors import Conflict
from triptych.http.job_answer import RETRY_AFTER
from triptych.http.job_services import JobServices
from triptych.http.request import HEADER_LENGTH, Request
from triptych.http.response import MAX_BODY, Response, filled_cells, json_response
from triptych.jobs.job import Job, JobResult


def result(services: JobServices, request: Request) -> Response:
    """Gives the result of a job as it is, or the URL of one that is too large for an answer."""
    job = services.desk.job(request.path["id"])
    if job.result is None:
        request.record.error = Conflict.kind
        return _none(job)
    return _redirect(services, job.result) if job.result.size > MAX_BODY else _inline(services, job.result)


def _inline(services: JobServices, kept: JobResult) -> Response:
    length = kept.header_length
    headers = {} if length is None else {HEADER_LENGTH: str(length)}
    return Response(200, services.results.read(kept), kept.content_type, headers | filled_cells(kept.filled))


def _redirect(services: JobServices, kept: JobResult) -> Response:
    url = services.results.url(kept)
    return json_response({"url": url, "size": kept.size}, 303, {"Location": url})


def _none(job: Job) -> Response:
    reason = f": {job.error.message}" if job.error else ""
    body = {"error": f"job {job.id} is {job.status}, it has no result{reason}", "status": job.status}
    return json_response(body, Conflict.status, {} if job.final else RETRY_AFTER)
