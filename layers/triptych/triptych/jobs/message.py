"""The message that a job travels in: JSON, made here or by producers who do not use HTTP.

```json
{"model": "digits", "version": "1",
 "request": {"inputs": [...]},
 "content_type": "application/json", "content_encoding": "gzip", "header_length": 123,
 "accept": "text/csv", "join": "all", "outputs": "species", "delimiter": ";",
 "client_token": "...", "time_to_live": 3600, "target": "nightly"}
```

Exactly one of these holds the input: `request` (JSON as infer or predict take it), `body` (text),
`body_base64` (bytes), `input` (an uploaded key, or `s3://bucket/key`). Only `model` and the input must be
there. The API's own messages have `id`, `created`, `expires`, `digest` and `redrives` as well.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pybase64

from triptych.aws.queue import NOT_IN_SQS
from triptych.errors import BadRequest
from triptych.jobs.job import IDS, Job, JobRequest
from triptych.jobs.submission import OptionLimits, Submission, options
from triptych.protocol import json_document as fields
from triptych.protocol.json_document import dump, json_type, parse_object
from triptych.protocol.names import check_known, model_name, version_number

_INPUTS = ("request", "body", "body_base64", "input")
_KNOWN = (
    *("id", "model", "version", "created", "expires", "digest", "redrives"),
    *("client_token", "time_to_live", "target"),
    *JobRequest._fields,
    *_INPUTS,
)
_TEXTS = tuple(name for name in JobRequest._fields if name != "header_length")
_API_ONLY = ("id", "created", "expires", "redrives")
_MAX_TEXT = 4096
"""Characters of what a record holds, which has room for 400 KB; headers of HTTP are shorter."""
_LAST_MOMENT = 10**13  # in the year 2286; with more digits, times would not sort as text
_JSON = "application/json"


class Message(NamedTuple):
    """What a message holds.

    Attributes:
        submission: What the job is made of; `input` is as the producer named it.
        expires: When it must have been started; None where that is not known.
        digest: Digest of what it was made of; None where that is not known.
    """

    job_id: str
    submission: Submission
    created: int | None = None
    expires: int | None = None
    digest: str | None = None
    redrives: int = 0

    @property
    def from_api(self) -> bool:
        """Whether `encode` wrote it: then its job was accepted already."""
        return self.digest is not None

    def job(self, now: int) -> Job:
        """Returns the record of the job as it is when it has none yet."""
        return self.submission.job(self.job_id, self.created or now, self.expires, self.digest)


def encode(job: Job, body: bytes | None) -> str:
    """Returns the message of a job, with its input, which is None when it is stored."""
    message: dict[str, object] = {
        "id": job.id,
        "model": job.model,
        "version": None if job.version is None else str(job.version),
        "created": job.created,
        "expires": job.expires,
        "digest": job.digest,
        "redrives": job.redrives or None,
        "target": job.target,
        "input": job.input,
        "body_base64": None if body is None else pybase64.b64encode_as_string(body),
        **job.request._asdict(),
    }
    text = dump({name: value for name, value in message.items() if value is not None}).decode()
    return text.translate(NOT_IN_SQS)


def decode(text: str, message_id: str, limits: OptionLimits) -> Message:
    """Reads and checks a message; its id, the same in each delivery, makes the id of a job without a token.

    Raises:
        BadRequest: It is not such a message.
        NotFound: It names a model or job that cannot be.
    """
    message = parse_object(text.encode(errors="surrogatepass"))
    check_known(message, _KNOWN, "field")
    for name in _API_ONLY:  # a record would follow what a message without a digest claims
        if message.get("digest") is None and message.get(name) is not None:
            raise BadRequest(f"{name!r} is written by the API alone; leave it out, or use 'client_token'")
    version = None if message.get("version") is None else version_number(str(message["version"]))
    chosen = options({name: message.get(name) for name in ("time_to_live", "target")}, limits)
    body, content_type = _body(message)
    request = _request(message, content_type)
    model = model_name(fields.required_string(message, "model", "the message"))
    return Message(
        _id(message, message_id),
        Submission(model, version, request, chosen, body, _short(message, "input")),
        _moment(message, "created"),
        _moment(message, "expires"),
        _short(message, "digest"),
        fields.count(message, "redrives", "the message") or 0,
    )


def _id(message: dict[str, Any], message_id: str) -> str:
    given = fields.optional_string(message, "id")
    if given is not None:
        return IDS.checked(given)
    token = _short(message, "client_token")
    return IDS.derived("queue", token) if token else IDS.derived("message", message_id)


def _body(message: dict[str, Any]) -> tuple[bytes | None, str | None]:
    given = [name for name in _INPUTS if message.get(name) is not None]
    if len(given) != 1:
        raise BadRequest(f"expected one of {', '.join(_INPUTS)}, got {', '.join(given) or 'none of them'}")
    value = message[given[0]]
    match given[0]:
        case "request":
            if not isinstance(value, dict):
                raise BadRequest(f"'request' must be an object, got {json_type(value)}")
            return dump(value), _JSON
        case "body":
            return (fields.optional_string(message, "body") or "").encode(errors="surrogatepass"), None
        case "body_base64":
            try:
                text = fields.optional_string(message, "body_base64") or ""
                return pybase64.b64decode(text, validate=True), None
            except ValueError as error:
                raise BadRequest(f"'body_base64' is not valid base64: {error}") from None
        case _:
            return None, None


def _request(message: dict[str, Any], content_type: str | None) -> JobRequest:
    given = {name: _short(message, name) for name in _TEXTS if name in message}
    length = fields.count(message, "header_length", "the message")
    request = JobRequest(**given, header_length=length)
    return request if request.content_type else request._replace(content_type=content_type)


def _moment(message: dict[str, Any], name: str) -> int | None:
    value = message.get(name)
    if value is not None and (type(value) is not int or not 0 <= value < _LAST_MOMENT):
        raise BadRequest(f"{name!r} must be milliseconds since 1970, got {json_type(value)}")
    return value


def _short(message: dict[str, Any], name: str) -> str | None:
    text = fields.optional_string(message, name)
    if text is not None and len(text) > _MAX_TEXT:
        raise BadRequest(f"{name!r} has {len(text)} characters, more than {_MAX_TEXT}")
    return text
