"""What a caller submits as a job, with its options, and what can be refused of it without the model."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from triptych.errors import BadRequest
from triptych.jobs.job import Job, JobRequest
from triptych.lifecycle.finalize import target
from triptych.protocol.infer_request import parse_infer_request
from triptych.protocol.json_document import dump, parse_object
from triptych.protocol.media_types import media_type

MIN_TIME_TO_LIVE = 60
MAX_TIME_TO_LIVE = 864_000
"""Seconds, ten days: the queue forgets a message after thirteen, and its last attempt takes time as well."""
MAX_DELAY = 900  # seconds that SQS holds a message back at most
_WHOLE = re.compile(r"[0-9]{1,9}")

_JSON = "application/json"
_GENERIC = {"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"}
"""Content types that say nothing: the default of S3 and of curl."""


class Options(NamedTuple):
    """Options of a job: the seconds in which it must be started, and those before which it may not."""

    time_to_live: int
    delay: int = 0
    target: str | None = None


class OptionLimits(NamedTuple):
    """The time to live of a job whose caller names none, and the longest one, in seconds."""

    time_to_live: int
    longest: int


class Submission(NamedTuple):
    """What a job is made of; the input is either in `body` or stored as `input`, `s3://bucket/key`."""

    model: str
    version: int | None
    request: JobRequest
    options: Options
    body: bytes | None = None
    input: str | None = None

    def job(self, job_id: str, now: int, expires: int | None = None, digest: str | None = None) -> Job:
        """Returns the record of a new job; its time to live says when it expires, unless `expires` does."""
        return Job(
            id=job_id,
            model=self.model,
            version=self.version,
            request=self.request,
            digest=digest or self.digest(),
            created=now,
            expires=expires or now + 1000 * self.options.time_to_live,
            input=self.input,
            target=self.options.target,
        )

    def digest(self) -> str:
        """Returns a digest, which is the same exactly for submissions that ask for the same."""
        body = None if self.body is None else hashlib.sha256(self.body).hexdigest()
        asked = self.request._asdict()
        if asked["delimiter"] is None:  # messages from before there was one are still the same
            del asked["delimiter"]
        same = [self.model, self.version, asked, self.input, body]
        return hashlib.sha256(dump(same)).hexdigest()


def is_rows(request: JobRequest, body: bytes | memoryview) -> bool:
    """Returns whether an input is rows, and not tensors.

    The body is not compressed; of a large one the beginning is enough, unless it is JSON.
    """
    if request.header_length is not None:
        return False
    kind = media_type(request.content_type or "").name
    if kind != _JSON:
        return kind not in _GENERIC
    return b'"instances"' in bytes(body) and "instances" in parse_object(body)


def check(request: JobRequest, body: bytes) -> None:
    """Checks what can be known of an input without its model.

    Raises:
        BadRequest: It is empty, or not a request of the protocol, or there is no such delimiter.
        UnsupportedMediaType: Such rows are not read here.
        NotAcceptable: The result is asked for in a format that is not offered.
    """
    if not body:
        raise BadRequest("the body is empty; send what infer or predict takes")
    if is_rows(request, body):
        request.row_options()
    elif request.header_length != 0:
        parse_infer_request(body, request.header_length)


def options(chosen: dict[str, object], limits: OptionLimits) -> Options:
    """Reads and checks `time_to_live`, `delay` and `target`, as text or as JSON gives them.

    Raises:
        BadRequest: One of them is not what it may be.
    """
    time_to_live = _seconds(chosen, "time_to_live", limits.time_to_live, MIN_TIME_TO_LIVE, limits.longest)
    delay = _seconds(chosen, "delay", 0, 0, MAX_DELAY)
    if delay >= time_to_live:
        raise BadRequest(f"delay: the job would expire ({time_to_live} s) before it is started ({delay} s)")
    return Options(time_to_live, delay, target(chosen.get("target")))


def _seconds(chosen: dict[str, object], name: str, default: int, least: int, most: int) -> int:
    value = chosen.get(name)
    if value is None:
        return default
    number = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
    if type(number) is not int or not least <= number <= most:
        raise BadRequest(f"{name}: expected whole seconds from {least} to {most}, got {str(value)[:32]!r}")
    return number
