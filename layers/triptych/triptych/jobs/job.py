"""The record of a job: a request for predictions whose answer is fetched later.

All times are milliseconds since 1970.
"""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Final, NamedTuple

from triptych.lifecycle.record import Failure, Ids
from triptych.rows.options import RowOptions, row_options


class Status(StrEnum):
    """The status of a job; `transitions` draws how one leads to another."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
"""Statuses that a job ends in."""

IDS: Final = Ids("job", uuid.UUID("6f2c0f9e-57a5-4b8e-9c44-0f6f6d1f7a31"))
"""Ids of jobs. The same key makes the same id, so a repeated request is harmless."""

UNKNOWN_MODEL = "unknown"
"""Model of a job whose message cannot be read."""

PATIENCE = 60_000
"""Milliseconds after its end within which subscribers should have been notified of a job."""


class JobResult(NamedTuple):
    """The result of a job.

    Attributes:
        location: `s3://bucket/key`; None for a small one, which is in `body`.
        header_length: Bytes of the JSON before raw tensors; None when there are none.
        filled: How many missing cells of the input's rows were filled with the value for missing cells.
        body: The result itself, where it is small enough for the record.
    """

    location: str | None
    content_type: str
    header_length: int | None
    size: int
    version: int
    filled: int = 0
    body: bytes | None = None


class JobRequest(NamedTuple):
    """How to read the input of a job and write its result.

    Attributes:
        content_type: Content type of the input; None for tensors in JSON or with a JSON header.
        content_encoding: How the input is compressed; None when it is not.
        header_length: Bytes of the JSON before raw tensors; None when there are none.
        accept: Content types that the rows of the result may have; None for that of the input.
        join: Columns of the rows that come back before the outputs.
        outputs: Names of the wanted outputs of rows, with commas between.
        delimiter: What separates the cells of CSV, as options call it; None for a comma.
    """

    content_type: str | None = None
    content_encoding: str | None = None
    header_length: int | None = None
    accept: str | None = None
    join: str | None = None
    outputs: str | None = None
    delimiter: str | None = None

    def row_options(self) -> RowOptions:
        """Returns the options of rows; raises as the function `row_options`."""
        return row_options(self.content_type, self.accept, self.join, self.outputs, self.delimiter)


class Job(NamedTuple):
    """The record of a job.

    Attributes:
        version: Version of the model; None for the one that is the latest when the job runs.
        request: How its input is read, and how its answer is wanted.
        digest: Digest of what was submitted: the same for the same.
        expires: When it must have been started.
        input: `s3://bucket/key` of the input; None while it travels in the message.
        attempts: How often it was started since a caller queued it.
        redrives: How often it was queued again after it had failed.
        started: When it was started last.
        ended: When it ended.
        lease: Until when the worker that runs it has it for itself.
        notified: Whether it is noted that subscribers were notified of its end. Of a success the worker notes
            nothing, which saves a write: its message is delivered again until they were.
    """

    id: str
    model: str
    version: int | None
    request: JobRequest
    digest: str
    created: int
    expires: int
    input: str | None = None
    target: str | None = None
    status: Status = Status.QUEUED
    attempts: int = 0
    redrives: int = 0
    started: int | None = None
    ended: int | None = None
    lease: int | None = None
    error: Failure | None = None
    result: JobResult | None = None
    notified: bool = False
    revision: int = 0

    @property
    def noun(self) -> str:
        """What messages call it."""
        return IDS.noun

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def place(self) -> str:
        """Its position among all jobs: the text sorts by age, and needs no escapes in a URL."""
        return f"{self.created:013d}.{self.id}"

    @property
    def attended_until(self) -> int | None:
        """When the reaper has to attend to it, if nobody has ended and finalized it; None when it has not."""
        if self.final:
            done = self.notified or self.status is Status.SUCCEEDED
            return None if done else (self.ended or 0) + PATIENCE
        return max(self.expires, self.lease or 0) if self.status is Status.RUNNING else self.expires
