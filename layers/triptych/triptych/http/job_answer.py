"""A job as an answer."""

from __future__ import annotations

from triptych.http.job_services import JobServices
from triptych.http.request import Request
from triptych.http.response import Response, json_response
from triptych.jobs.document import document
from triptych.jobs.job import Job

RETRY_AFTER = {"Retry-After": "1"}
"""Seconds until it makes sense to ask again for a job that has not ended."""


def job_response(services: JobServices, job: Job) -> Response:
    """Shows a job."""
    return json_response(document(job, services.clock()))


def accepted(services: JobServices, request: Request, job: Job) -> Response:
    """Shows a job that was accepted, and where it is."""
    # API Gateway puts a stage before the path, a custom domain may not: only a relative reference fits both.
    up = "../" * (request.resource.count("/") - 2)
    headers = {"Location": f"{up}jobs/{job.id}", **RETRY_AFTER}
    return json_response(document(job, services.clock()), 202, headers)
