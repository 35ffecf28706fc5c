"""Where inputs and results are kept that are too large to travel.

Every method raises `ServiceUnavailable` when the place cannot be reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from triptych.jobs.job import Job, JobResult

MAX_INPUT = 2**30
"""Bytes of an input."""


class StoredInput(NamedTuple):
    """An input that is kept.

    Attributes:
        location: `s3://bucket/key`.
        size: Bytes.
        tag: Changes with its content.
        content_type: What it is; None when that is not known.
        content_encoding: How it is compressed; None when it is not.
        body: Its bytes; None when it is larger than asked for.
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
        url: Where it is posted to.
        fields: What is posted before the file.
        input: What names the input when a job is made of it.
        expires: When it stops working, in milliseconds since 1970.
        max_bytes: Largest file that it takes.
    """

    url: str
    fields: Mapping[str, str]
    input: str
    expires: int
    max_bytes: int


class InputStore(Protocol):
    """Keeps inputs."""

    def put(self, name: str, body: bytes) -> str:
        """Keeps the input of a job under a name that is used for nothing else.

        Returns:
            Its location, `s3://bucket/inputs/{name}`.
        """
        ...

    def locate(self, name: str) -> str:
        """Gives the location of an input that a caller names.

        Args:
            name: What an upload form called it, or `s3://bucket/key`.

        Raises:
            BadRequest: It is neither, or inputs are not taken from that bucket.
        """
        ...

    def fetch(self, location: str, limit: int) -> StoredInput:
        """Looks an input up, and reads it when it has at most `limit` bytes.

        Raises:
            BadRequest: There is none, or it may not be read.
            PayloadTooLarge: It has more than `MAX_INPUT` bytes.
        """
        ...

    def download(self, stored: StoredInput, path: Path) -> None:
        """Writes an input to a file.

        Raises:
            BadRequest: It was changed or removed since it was looked up.
        """
        ...

    def upload_form(self, now: int) -> UploadForm:
        """Makes a form for a caller who uploads an input."""
        ...


class ResultStore(Protocol):
    """Keeps results, one for each job and the times that it was redriven."""

    def put(self, job: Job, body: bytes | Path, described: JobResult) -> JobResult:
        """Keeps the result of a job, unless there is one already.

        Args:
            job: The job.
            body: The result, or the file that holds it.
            described: What it is; `location` and `size` do not count.

        Returns:
            What is kept: the first result of the job, whoever wrote it.
        """
        ...

    def read(self, result: JobResult) -> bytes:
        """Reads a result.

        Raises:
            NotFound: It was deleted since the job ended.
        """
        ...

    def url(self, result: JobResult) -> str:
        """Makes a URL that gives the result to anybody who has it, for a while."""
        ...

    def delete(self, job: Job) -> None:
        """Deletes the result of a job, if there is one."""
        ...
