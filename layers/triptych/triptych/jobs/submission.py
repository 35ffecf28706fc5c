"""A request for a job, before there is one."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from triptych.errors import BadRequest
from triptych.jobs.job import Job
from triptych.jobs.options import Options
from triptych.protocol.infer_request import parse_infer_request
from triptych.protocol.json_document import dump, parse_object
from triptych.protocol.media_types import media_type
from triptych.rows.options import JobRequest

_JSON = "application/json"
_UNSAID = {"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"}
"""Content types that say nothing: what S3 and curl call whatever they are not told about."""


class Submission(NamedTuple):
    """What a job is to be made of.

    Attributes:
        model: Name of the model.
        version: The wanted version; None for the latest.
        request: How the input is read and the answer wanted.
        options: What the caller chose.
        body: The input; None when it is kept somewhere.
        input: `s3://bucket/key` of the input; None when it is in `body`.
    """

    model: str
    version: int | None
    request: JobRequest
    options: Options
    body: bytes | None = None
    input: str | None = None

    def job(self, job_id: str, now: int) -> Job:
        """Makes the record of a new job."""
        return Job(
            id=job_id,
            model=self.model,
            version=self.version,
            request=self.request,
            digest=self.digest(),
            created=now,
            expires=now + 1000 * self.options.time_to_live,
            input=self.input,
            target=self.options.target,
        )

    def digest(self) -> str:
        """Gives what two submissions share exactly when they ask for the same."""
        body = None if self.body is None else hashlib.sha256(self.body).hexdigest()
        asked = self.request._asdict()
        if asked["delimiter"] is None:  # messages from before there was one are still the same
            del asked["delimiter"]
        same = [self.model, self.version, asked, self.input, body]
        return hashlib.sha256(dump(same)).hexdigest()


def is_rows(request: JobRequest, body: bytes | memoryview) -> bool:
    """Tells whether an input is rows, and not tensors.

    Args:
        request: How it is read.
        body: The input, not compressed; of a large one the beginning is enough, unless it is JSON.
    """
    if request.header_length is not None:
        return False
    kind = media_type(request.content_type or "").name
    if kind != _JSON:
        return kind not in _UNSAID
    return b'"instances"' in bytes(body) and "instances" in parse_object(body)


def check(request: JobRequest, body: bytes) -> None:
    """Refuses early what can be told from an input without its model.

    Args:
        request: How it is read.
        body: The input, not compressed.

    Raises:
        BadRequest: It is empty, or not a request of the protocol, or there is no such delimiter.
        UnsupportedMediaType: Such rows are not read here.
        NotAcceptable: The answer is wanted in no format that is given here.
    """
    if not body:
        raise BadRequest("the body is empty; send what infer or predict takes")
    if is_rows(request, body):
        request.row_options()
    elif request.header_length != 0:
        parse_infer_request(body, request.header_length)
