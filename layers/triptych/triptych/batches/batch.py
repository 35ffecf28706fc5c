"""A batch: files that are transformed with a model. All times are milliseconds since 1970."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Final, NamedTuple

from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure, Ids
from triptych.rows.options import BatchOptions


class Status(StrEnum):
    """Status of a batch."""

    QUEUED = "queued"
    PLANNING = "planning"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    SUCCEEDED_WITH_ERRORS = "succeeded_with_errors"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({Status.SUCCEEDED, Status.SUCCEEDED_WITH_ERRORS, Status.FAILED, Status.CANCELLED})
"""Statuses that a batch ends in."""


class KeyList(NamedTuple):
    """A long list of keys, which is an object in the bucket for work.

    Attributes:
        object: Key of the object. It contains a digest of the list: equal lists have equal keys.
        models: The models that the listed keys name, the first 100 of them.
    """

    object: str
    total: int
    models: tuple[str, ...] = ()


class BatchSource(NamedTuple):
    """Which files a batch is for; either `keys` or `prefix`.

    Attributes:
        keys: Keys in the bucket of inputs; of a long list only the first ones.
        only_new: Whether files are left out that have been transformed as they are.
        listed: Where all keys of a long list are; None when `keys` are all.
    """

    keys: tuple[str, ...] = ()
    prefix: str | None = None
    only_new: bool = False
    listed: KeyList | None = None

    @property
    def total(self) -> int:
        """How many keys are listed."""
        return self.listed.total if self.listed else len(self.keys)


class Batch(NamedTuple):
    """The record of a batch.

    Attributes:
        version: The requested version; None for the latest.
        options: Requested options; fields that are None are left to the file and the model.
        created: When it was submitted; of two predictions for a key, that of the later batch counts.
        target: Label for those who filter notifications.
        redrives: How often it was started again after it had failed.
        lease: Until when the function of uploads transforms it; None while nobody or the state machine does.
        execution: Name of its execution of the state machine.
        files: How many files it has; None until that is known.
        chunks: How many chunks they have; None until that is known.
        counts: Counts of records; only of a batch that has ended.
        error: Why it failed; of one that has outputs, why it lacks files that a redrive may transform.
    """

    id: str
    model: str | None
    version: int | None
    source: BatchSource
    options: BatchOptions
    created: int
    target: str | None = None
    status: Status = Status.QUEUED
    attempts: int = 0
    redrives: int = 0
    started: int | None = None
    ended: int | None = None
    lease: int | None = None
    execution: str | None = None
    files: int | None = None
    chunks: int | None = None
    failed_files: int = 0
    counts: Counts = Counts()
    error: Failure | None = None
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
        """Position in lists: the text sorts by age, and needs no escapes in a URL."""
        return f"{self.created:013d}.{self.id}"


IDS: Final = Ids("batch", uuid.UUID("a1d2b7c4-0c35-4c55-9d0e-52d1f1a7f3e8"))
"""Ids of batches: the same event always makes the same id, so what is delivered twice is one batch."""


def upload_id(bucket: str, key: str, generation: str) -> str:
    """Returns the id of the batch that an upload starts.

    A generation is a version, or an etag where the bucket keeps no versions.
    """
    return IDS.derived("upload", bucket, generation, key)


def derived_id(scope: str, key: str) -> str:
    """Returns the id of the batch of an idempotency key: the same key of two callers makes two ids."""
    return IDS.derived("key", scope, key)


def scheduled_id(prefix: str, time: str) -> str:
    """Returns the id of the batch that a schedule starts at a time, as the schedule writes it."""
    return IDS.derived("schedule", time, prefix)


def execution_name(batch_id: str, redrives: int) -> str:
    """Returns the name of the execution of a batch: a name serves once, so each redrive has its own."""
    return f"{batch_id}-{redrives}" if redrives else batch_id
