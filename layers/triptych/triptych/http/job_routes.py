"""Every path and method of jobs, and what answers it. The template's API events are the same list."""

from __future__ import annotations

from triptych.http.application import Routes
from triptych.http.endpoints import job_results, job_submission, jobs, uploads
from triptych.http.job_services import JobServices

JOB_ROUTES: Routes[JobServices] = {
    ("POST", "/v2/models/{model}/jobs"): job_submission.submit,
    ("POST", "/v2/models/{model}/versions/{version}/jobs"): job_submission.submit,
    ("POST", "/v2/uploads"): uploads.create,
    ("GET", "/v2/jobs"): jobs.newest,
    ("GET", "/v2/jobs/{id}"): jobs.one,
    ("DELETE", "/v2/jobs/{id}"): jobs.cancel,
    ("GET", "/v2/jobs/{id}/result"): job_results.result,
    ("POST", "/v2/jobs/{id}/redrive"): jobs.redrive,
}
