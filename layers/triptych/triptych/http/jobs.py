"""Jobs: submitting, uploading inputs, looking at them, their results, cancelling and redriving them."""

from __future__ import annotations

from typing import Any, NamedTuple

from triptych.clock import Clock, moment
from triptych.errors import Conflict
from triptych.http.request import Request
from triptych.http.response import MAX_BODY, Response, filled_cells, json_response, page_response
from triptych.jobs.document import document
from triptych.jobs.job import Job, JobRequest, JobResult, Status
from triptych.jobs.service import JobService
from triptych.jobs.store import JobStorage
from triptych.jobs.submission import OptionLimits, Submission, check, is_rows, options
from triptych.models.repository import ModelRepository
from triptych.protocol import json_document as fields
from triptych.protocol.infer_request import HEADER_LENGTH
from triptych.protocol.json_document import parse_object
from triptych.protocol.names import check_known

RETRY_AFTER = {"Retry-After": "1"}
"""Seconds until it makes sense to ask again for a job that has not ended."""

_OPTIONS = ("time_to_live", "delay", "target")
_LENGTH = "inference_header_content_length"
_REFERENCE = ("input", "content_type", "content_encoding", _LENGTH)
"""Fields of a body that names an input which was uploaded."""


class JobServices(NamedTuple):
    """What the endpoints of jobs work with.

    Attributes:
        repository: Knows which models there are.
        jobs: Accepts jobs, and serves callers who have some.
        storage: Stores jobs, inputs and results.
        limits: What options may be.
        clock: Returns the milliseconds since 1970.
    """

    repository: ModelRepository
    jobs: JobService
    storage: JobStorage
    limits: OptionLimits
    clock: Clock


def submit(services: JobServices, request: Request) -> Response:
    """Makes a job of what infer or predict would accept, or of an input that was uploaded.

    Raises:
        BadRequest: An option, or the input, is not what it may be.
        NotFound: There is no such model or version.
        UnsupportedMediaType: Such an input is not read here.
        NotAcceptable: The result is asked for in a format that is not offered.
        PayloadTooLarge: The input is too large to be read.
    """
    version = request.version()
    model = services.repository.listing(request.path["model"]).candidates(version)[0].stored.model
    request.record.model, request.record.version = model, version
    key = request.idempotency_key()
    chosen = options({name: request.query.get(name) for name in _OPTIONS}, services.limits)
    plain = request.decompressed_body()
    if (reference := _reference(request, plain)) is None:
        how, body, location = _request_of_body(request, plain), request.body, None
    else:
        how, body = _request_of_reference(request, reference), None
        location = services.storage.inputs.locate(fields.required_string(reference, "input", "the request"))
    job = services.jobs.submit(Submission(model, version, how, chosen, body, location), key)
    return _accepted(services, request, job)


def create_upload(services: JobServices, _request: Request) -> Response:
    """Returns a form that uploads one input straight to S3."""
    form = services.storage.inputs.upload_form(services.clock())
    return json_response(
        {
            "url": form.url,
            "fields": form.fields,
            "input": form.input,
            "expires_at": moment(form.expires),
            "max_bytes": form.max_bytes,
        },
        201,
    )


def newest(services: JobServices, request: Request) -> Response:
    """Lists jobs, the newest first."""
    page, now = services.jobs.newest(**request.page(Status)), services.clock()
    return page_response("jobs", [document(job, now) for job in page.records], page.next)


def one(services: JobServices, request: Request) -> Response:
    """Returns a job; with `wait`, once it has ended or that many seconds are over."""
    seconds = request.wait_seconds()
    job_id = request.path["id"]
    job = services.jobs.wait(job_id, seconds, request.deadline) if seconds else services.jobs.get(job_id)
    return json_response(document(job, services.clock()))


def result(services: JobServices, request: Request) -> Response:
    """Returns the result of a job as it is, or the URL of one that is too large for an answer."""
    job = services.jobs.get(request.path["id"])
    if job.result is None:
        request.record.error = Conflict.kind
        return _no_result(job)
    return _redirect(services, job.result) if job.result.size > MAX_BODY else _inline(services, job.result)


def cancel(services: JobServices, request: Request) -> Response:
    """Cancels a job that has not ended."""
    return json_response(document(services.jobs.cancel(request.path["id"]), services.clock()))


def redrive(services: JobServices, request: Request) -> Response:
    """Queues a job again that failed for a reason that may be gone."""
    chosen = options({"time_to_live": request.query.get("time_to_live")}, services.limits)
    return _accepted(services, request, services.jobs.redrive(request.path["id"], chosen.time_to_live))


def _reference(request: Request, plain: bytes) -> dict[str, Any] | None:
    """Returns the body when it names an input that was uploaded; None when it is the input itself."""
    named_rows = is_rows(JobRequest(content_type=request.headers.get("content-type")), b"")
    if named_rows or request.header_length(len(plain)) is not None or b'"input"' not in plain:
        return None
    message = parse_object(plain)
    return message if "input" in message and not message.keys() & {"inputs", "instances"} else None


def _request_of_body(request: Request, plain: bytes) -> JobRequest:
    how = _asked(request)._replace(
        content_type=request.headers.get("content-type"),
        content_encoding=request.headers.get("content-encoding"),
        header_length=request.header_length(len(plain)),
    )
    check(how, plain)
    return how


def _request_of_reference(request: Request, reference: dict[str, Any]) -> JobRequest:
    check_known(reference, _REFERENCE, "field")
    how = _asked(request)._replace(
        content_type=fields.optional_string(reference, "content_type"),
        content_encoding=fields.optional_string(reference, "content_encoding"),
        header_length=fields.count(reference, _LENGTH, "the request"),
    )
    if how.content_type and is_rows(how, b""):
        how.row_options()
    return how


def _asked(request: Request) -> JobRequest:
    query = request.query
    return JobRequest(
        accept=query.get("accept"),
        join=query.get("join"),
        outputs=query.get("outputs"),
        delimiter=query.get("delimiter"),
    )


def _accepted(services: JobServices, request: Request, job: Job) -> Response:
    headers = {"Location": request.relative(f"jobs/{job.id}"), **RETRY_AFTER}
    return json_response(document(job, services.clock()), 202, headers)


def _inline(services: JobServices, kept: JobResult) -> Response:
    length = kept.header_length
    headers = {} if length is None else {HEADER_LENGTH: str(length)}
    return Response(
        200, services.storage.results.read(kept), kept.content_type, headers | filled_cells(kept.filled)
    )


def _redirect(services: JobServices, kept: JobResult) -> Response:
    url = services.storage.results.url(kept)
    return json_response({"url": url, "size": kept.size}, 303, {"Location": url})


def _no_result(job: Job) -> Response:
    reason = f": {job.error.message}" if job.error else ""
    body = {"error": f"job {job.id} is {job.status}, it has no result{reason}", "status": job.status}
    return json_response(body, Conflict.status, {} if job.final else RETRY_AFTER)
