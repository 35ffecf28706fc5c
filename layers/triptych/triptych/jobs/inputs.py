"""Inputs of jobs in S3: those that are kept for a job, those that callers upload, and those of theirs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triptych.aws.clients import (
    AWS_FAILURES,
    FORBIDDEN,
    GONE,
    LOGGER,
    AwsClients,
    error_code,
    reaching,
    unavailable,
)
from triptych.aws.transfer import S3Object, download
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.jobs.payloads import MAX_INPUT, StoredInput, UploadForm

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

STORE = "the store of inputs"
UPLOAD_SECONDS = 900
_UPLOAD = re.compile(r"uploads/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OWN = re.compile(r"(uploads|inputs)/[0-9a-f-]{36}(/[0-9a-z]+)?")
_URI = re.compile(r"s3://([^/]+)/([^\ud800-\udfff]{1,1024})")  # half a character has no UTF-8
_UNKNOWN_TYPE = "binary/octet-stream"  # what S3 says of objects of which it was told nothing
_NOT_ENCODED = "identity"
_UNREADABLE = FORBIDDEN | GONE | {"InvalidObjectState", "InvalidRequest", "NoSuchBucket"}
_MISSING = (
    "input: there is nothing to read at {!r}; upload it before the job is submitted. Uploads are deleted "
    "after some days, and another bucket must let the function read it"
)


class S3Inputs:
    """Keeps inputs.

    Args:
        clients: Calls AWS.
        bucket: Name of the bucket that inputs are kept in.
        allowed: Names of further buckets that inputs may be read from.
    """

    def __init__(self, clients: AwsClients, bucket: str, allowed: Collection[str] = ()) -> None:
        self._clients = clients
        self._bucket = bucket
        self._allowed = frozenset(allowed)

    def put(self, name: str, body: bytes) -> str:
        """Keeps the input of a job under a name that is used for nothing else.

        Raises:
            ServiceUnavailable: S3 cannot be reached.
        """
        key = f"inputs/{name}"
        with reaching(STORE):
            self._clients.s3.put_object(Bucket=self._bucket, Key=key, Body=body)
        return f"s3://{self._bucket}/{key}"

    def locate(self, name: str) -> str:
        """Gives the location of an input that a caller names.

        Raises:
            BadRequest: It is neither an upload nor in a bucket that inputs are taken from.
        """
        if _UPLOAD.fullmatch(name):
            return f"s3://{self._bucket}/{name}"
        bucket, key = self._address(name)
        if bucket == self._bucket and not _UPLOAD.fullmatch(key):  # other keys are inputs of other callers
            raise _not_taken(name)
        return name

    def fetch(self, location: str, limit: int) -> StoredInput:
        """Looks an input up, and reads it when it has at most `limit` bytes.

        Raises:
            BadRequest: There is none, or it may not be read.
            PayloadTooLarge: It has more than `MAX_INPUT` bytes.
            ServiceUnavailable: S3 cannot be reached.
        """
        bucket, key = self._address(location)
        with self._reading(location):
            found = self._clients.s3.get_object(Bucket=bucket, Key=key)
            with closing(found["Body"]) as body:  # what is not read is not sent: the connection ends
                fits = found["ContentLength"] <= min(limit, MAX_INPUT)
                return _stored(location, found, body.read() if fits else None)

    def download(self, stored: StoredInput, path: Path) -> None:
        """Writes an input to a file, in parallel ranges.

        Raises:
            BadRequest: It was changed or removed since it was looked up.
            ServiceUnavailable: S3 cannot be reached.
            OSError: The file cannot be written.
        """
        bucket, key = self._address(stored.location)
        with self._reading(stored.location):
            download(self._clients.s3, bucket, {path: S3Object(key, stored.tag, stored.size)})

    def upload_form(self, now: int) -> UploadForm:
        """Makes a form for one upload. It ends before its time when the function's credentials do.

        Args:
            now: Milliseconds since 1970.

        Raises:
            ServiceUnavailable: The function's credentials cannot be renewed.
        """
        key = f"uploads/{uuid.uuid4()}"
        with reaching(STORE):
            form = self._clients.presigner.generate_presigned_post(
                self._bucket, key, **_conditions(), ExpiresIn=UPLOAD_SECONDS
            )
        return UploadForm(form["url"], form["fields"], key, now + 1000 * UPLOAD_SECONDS, MAX_INPUT)

    def _address(self, location: str) -> tuple[str, str]:
        found = _URI.fullmatch(location)
        bucket, key = found.groups() if found else ("", "")
        allowed = _OWN.fullmatch(key) if bucket == self._bucket else bucket in self._allowed
        if not allowed:
            raise _not_taken(location)
        return bucket, key

    @contextmanager
    def _reading(self, location: str) -> Generator[None]:
        try:
            yield
        except AWS_FAILURES as error:
            if error_code(error) not in _UNREADABLE:
                raise unavailable(STORE, error) from error
            LOGGER.warning("input: %s", error)
            named = location.removeprefix(f"s3://{self._bucket}/")  # as a caller names an upload
            raise BadRequest(_MISSING.format(named[:200])) from error


def _not_taken(name: str) -> BadRequest:
    return BadRequest(
        f"input: {name[:200]!r} is not taken; expected what an upload form called it, or "
        "s3://bucket/key in a bucket that this deployment reads inputs from"
    )


def _stored(location: str, found: GetObjectOutputTypeDef, body: bytes | None) -> StoredInput:
    size = found["ContentLength"]
    if size > MAX_INPUT:
        raise PayloadTooLarge(f"the input has {size} bytes; a job takes {MAX_INPUT} at most")
    kind, encoding = found.get("ContentType"), found.get("ContentEncoding")
    return StoredInput(
        location=location,
        size=size,
        tag=found["ETag"],
        content_type=None if kind == _UNKNOWN_TYPE else kind or None,
        content_encoding=None if encoding == _NOT_ENCODED else encoding or None,
        body=body,
    )


def _conditions() -> dict[str, Any]:
    """Gives the fields of the form that a caller may change, and what they and the file may be.

    S3 refuses a form that lacks a field for which there is a condition: both are there from the beginning.
    """
    return {
        "Fields": {"Content-Type": _UNKNOWN_TYPE, "Content-Encoding": _NOT_ENCODED},
        "Conditions": [
            ["content-length-range", 1, MAX_INPUT],
            ["starts-with", "$Content-Type", ""],
            ["starts-with", "$Content-Encoding", ""],
        ],
    }
