"""The input of a job: the body of a request, or where that says that it is kept."""

from __future__ import annotations

from typing import Any, NamedTuple

from triptych.http.request import Request
from triptych.jobs.submission import check, is_rows
from triptych.protocol import json_document as fields
from triptych.protocol.json_document import parse_object
from triptych.protocol.names import check_known
from triptych.rows.options import JobRequest

_LENGTH = "inference_header_content_length"
_FIELDS = ("input", "content_type", "content_encoding", _LENGTH)


class JobInput(NamedTuple):
    """The input of a job.

    Attributes:
        request: How it is read, and how the answer is wanted.
        body: The input, compressed as it came; None when it is kept somewhere.
        name: What the caller calls the input that is kept; None when it is in `body`.
    """

    request: JobRequest
    body: bytes | None
    name: str | None


def job_input(request: Request) -> JobInput:
    """Takes the input out of a request, and refuses early what can be told without the model.

    Raises:
        BadRequest: It is none.
        UnsupportedMediaType: Such an input is not read here.
        NotAcceptable: The result is wanted in no format that is given here.
        PayloadTooLarge: It is too large to be read.
    """
    plain = request.decompressed_body()
    reference = _reference(request, plain)
    return _in_body(request, plain) if reference is None else _kept(request, reference)


def _in_body(request: Request, plain: bytes) -> JobInput:
    how = _wanted(request)._replace(
        content_type=request.headers.get("content-type"),
        content_encoding=request.headers.get("content-encoding"),
        header_length=request.header_length(len(plain)),
    )
    check(how, plain)
    return JobInput(how, request.body, None)


def _kept(request: Request, reference: dict[str, Any]) -> JobInput:
    check_known(reference, _FIELDS, "field")
    how = _wanted(request)._replace(
        content_type=fields.optional_string(reference, "content_type"),
        content_encoding=fields.optional_string(reference, "content_encoding"),
        header_length=fields.count(reference, _LENGTH, "the request"),
    )
    if how.content_type and is_rows(how, b""):
        how.row_options()
    return JobInput(how, None, fields.required_string(reference, "input", "the request"))


def _wanted(request: Request) -> JobRequest:
    query = request.query
    return JobRequest(
        accept=query.get("accept"),
        join=query.get("join"),
        outputs=query.get("outputs"),
        delimiter=query.get("delimiter"),
    )


def _reference(request: Request, plain: bytes) -> dict[str, Any] | None:
    named_rows = is_rows(JobRequest(content_type=request.headers.get("content-type")), b"")
    if named_rows or request.header_length(len(plain)) is not None or b'"input"' not in plain:
        return None
    message = parse_object(plain)
    return message if "input" in message and not message.keys() & {"inputs", "instances"} else None
