"""A job: a request for predictions whose answer is fetched later. All times are milliseconds since 1970."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Final, NamedTuple

from triptych.lifecycle.failure import Failure
from triptych.lifecycle.ids import Ids
from triptych.rows.options import JobRequest


class Status(StrEnum):
    """Where a job is on its way."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
"""States that a job ends in."""


IDS: Final = Ids("job", uuid.UUID("6f2c0f9e-57a5-4b8e-9c44-0f6f6d1f7a31"))
"""Ids of jobs. The same key makes the same id, so a repeated request is harmless."""

UNKNOWN_MODEL = "unknown"
"""Model of a job whose message does not tell, as it cannot be read."""

PATIENCE = 60_000
"""Milliseconds after which the end of a job should have been told."""


class JobResult(NamedTuple):
    """Where the result of a job is.

    Attributes:
        location: `s3://bucket/key`.
        content_type: What it is.
        header_length: Bytes of the JSON before raw tensors; None when there are none.
        size: Bytes.
        version: Version of the model that made it.
        filled: How many missing cells of the input's rows took the value for missing cells.
    """

    location: str
    content_type: str
    header_length: int | None
    size: int
    version: int
    filled: int = 0


class Job(NamedTuple):
    """The record of a job.

    Attributes:
        id: Identifies it.
        model: Name of its model.
        version: The wanted version; None for the one that is the latest when it runs.
        request: How its input is read and its answer wanted.
        digest: Tells whether two requests are the same.
        created: When it was handed over.
        expires: When it must have been started.
        input: `s3://bucket/key` of the input; None while it travels in the message.
        target: Label for those who filter notifications.
        status: Where it is on its way.
        attempts: How often it was started since it was queued by a caller.
        redrives: How often it was queued again after it had failed.
        started: When it was started last.
        ended: When it reached its final state.
        lease: Until when whoever runs it may take.
        error: Why it failed, or why its last attempt did.
        result: Where its result is.
        notified: Whether its final state was told.
        revision: How often the record was changed.
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
    def final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def place(self) -> str:
        """Where it is among all jobs: the text sorts by age, and needs no escapes in a URL."""
        return f"{self.created:013d}.{self.id}"

    @property
    def attended_until(self) -> int | None:
        """When somebody has to look after it, as it should have ended and been told; None when nobody has."""
        if self.final:
            return None if self.notified else (self.ended or 0) + PATIENCE
        return max(self.expires, self.lease or 0) if self.status is Status.RUNNING else self.expires
