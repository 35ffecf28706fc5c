"""Inputs of jobs in S3: those that are stored for a job, those that callers upload, and those of theirs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from triptych.aws.bucket import Bucket
from triptych.aws.clients import AwsClients
from triptych.aws.failures import CHANGED, FORBIDDEN, Failures, errors_for
from triptych.aws.objects import StoredObject
from triptych.errors import BadRequest, PayloadTooLarge

MAX_INPUT: Final = 2**30
"""Bytes of an input."""

UPLOAD_SECONDS = 900
_UPLOAD = re.compile(r"uploads/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OWN = re.compile(r"(uploads|inputs)/[0-9a-f-]{36}(/[0-9a-z]+)?")
_URI = re.compile(r"s3://([^/]+)/([^\ud800-\udfff]{1,1024})")  # half a character has no UTF-8
_UNKNOWN_TYPE = "binary/octet-stream"  # S3's content type of objects that were written without one
_NOT_ENCODED = "identity"
_UNREADABLE = FORBIDDEN | CHANGED | {"InvalidObjectState", "InvalidRequest", "NoSuchBucket"}
_MISSING = (
    "input: there is nothing to read at {!r}; upload it before the job is submitted. Uploads are deleted "
    "after some days, and another bucket must let the function read it"
)
_FAILURES = Failures("the store of inputs cannot be reached")
_FORM = {"Content-Type": _UNKNOWN_TYPE, "Content-Encoding": _NOT_ENCODED}
# S3 refuses a form that lacks a field for which there is a condition: both are there from the beginning.
_CONDITIONS = (
    ("content-length-range", 1, MAX_INPUT),
    ("starts-with", "$Content-Type", ""),
    ("starts-with", "$Content-Encoding", ""),
)


class StoredInput(NamedTuple):
    """An input that is stored.

    Attributes:
        tag: Changes with its content.
        content_encoding: How it is compressed; None when it is not.
        body: Its bytes; None when there are more than were asked for.
    """

    location: str
    size: int
    tag: str
    content_type: str | None
    content_encoding: str | None
    body: bytes | None


class UploadForm(NamedTuple):
    """A form that uploads one input.

    Attributes:
        input: What names the input when a job is made of it.
        expires: When it stops working, in milliseconds since 1970.
        max_bytes: Largest file that it takes.
    """

    url: str
    fields: Mapping[str, str]
    input: str
    expires: int
    max_bytes: int


class InputStore:
    """Stores inputs, and reads those of further buckets that are allowed.

    Every method raises `ServiceUnavailable` when S3 cannot be reached.
    """

    def __init__(self, clients: AwsClients, bucket: str, allowed: Collection[str] = ()) -> None:
        self._clients = clients
        self._own = Bucket(clients, bucket, _FAILURES)
        self._allowed = frozenset(allowed)

    def put(self, name: str, body: bytes) -> str:
        """Stores an input under a name that is used for nothing else; returns its location."""
        key = f"inputs/{name}"
        self._own.put(key, body, _UNKNOWN_TYPE)
        return f"s3://{self._own.name}/{key}"

    def locate(self, name: str) -> str:
        """Returns the location of an input that a caller names: an upload's key, or `s3://bucket/key`.

        Raises:
            BadRequest: It is neither an upload nor in a bucket that inputs are read from.
        """
        if _UPLOAD.fullmatch(name):
            return f"s3://{self._own.name}/{name}"
        bucket, key = self._address(name)
        if bucket == self._own.name and not _UPLOAD.fullmatch(key):  # other keys are inputs of other callers
            raise _not_taken(name)
        return name

    def fetch(self, location: str, limit: int) -> StoredInput:
        """Looks an input up, and reads it when it has at most `limit` bytes.

        Raises:
            BadRequest: There is none, or it may not be read.
            PayloadTooLarge: It has more than `MAX_INPUT` bytes.
        """
        bucket, key = self._readable(location)
        found, body = bucket.fetch(key, min(limit, MAX_INPUT))
        if found.size > MAX_INPUT:
            raise PayloadTooLarge(f"the input has {found.size} bytes; a job takes {MAX_INPUT} at most")
        kind, encoding = found.content_type, found.content_encoding
        return StoredInput(
            location=location,
            size=found.size,
            tag=found.etag,
            content_type=None if kind == _UNKNOWN_TYPE else kind or None,
            content_encoding=None if encoding == _NOT_ENCODED else encoding or None,
            body=body,
        )

    def download(self, stored: StoredInput, path: Path) -> None:
        """Writes an input to a file, in parallel ranges.

        Raises:
            BadRequest: It was changed or removed since it was looked up.
            OSError: The file cannot be written.
        """
        bucket, key = self._readable(stored.location)
        bucket.download({path: StoredObject(key, stored.size, stored.tag, None, 0)})

    def upload_form(self, now: int) -> UploadForm:
        """Makes a form for one upload. It ends before its time when the function's credentials do.

        `now` is in milliseconds since 1970.
        """
        key = f"uploads/{uuid.uuid4()}"
        url, fields = self._own.form(key, _FORM, _CONDITIONS, UPLOAD_SECONDS)
        return UploadForm(url, fields, key, now + 1000 * UPLOAD_SECONDS, MAX_INPUT)

    def _address(self, location: str) -> tuple[str, str]:
        found = _URI.fullmatch(location)
        bucket, key = found.groups() if found else ("", "")
        allowed = _OWN.fullmatch(key) if bucket == self._own.name else bucket in self._allowed
        if not allowed:
            raise _not_taken(location)
        return bucket, key

    def _readable(self, location: str) -> tuple[Bucket, str]:
        """Returns the bucket and the key of an input; what cannot be read there is the caller's mistake."""
        bucket, key = self._address(location)
        named = location.removeprefix(f"s3://{self._own.name}/")  # as a caller names an upload
        missing = errors_for(_UNREADABLE, BadRequest, _MISSING.format(named[:200]))
        return Bucket(self._clients, bucket, _FAILURES._replace(known=missing)), key


def _not_taken(name: str) -> BadRequest:
    return BadRequest(
        f"input: {name[:200]!r} is not taken; expected what an upload form called it, or "
        "s3://bucket/key in a bucket that this deployment reads inputs from"
    )
