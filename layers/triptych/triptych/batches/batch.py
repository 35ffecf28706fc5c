"""A batch: files that are transformed with a model. All times are milliseconds since 1970.

Ids of batches. The same event always makes the same id: what is told twice is one batch.
"""

from __future__ import annotations

import re
import uuid
from enum import StrEnum
from typing import Final, NamedTuple

from triptych.errors import NotFound
from triptych.inference.piece import Counts
from triptych.lifecycle.failure import Failure
from triptych.rows.options import BatchOptions


class Status(StrEnum):
    """Where a batch is on its way."""

    QUEUED = "queued"
    PLANNING = "planning"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    SUCCEEDED_WITH_ERRORS = "succeeded_with_errors"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({Status.SUCCEEDED, Status.SUCCEEDED_WITH_ERRORS, Status.FAILED, Status.CANCELLED})
"""States that a batch ends in."""


class KeyList(NamedTuple):
    """A long list of keys, which is an object in the bucket for work.

    Attributes:
        object: Key of the object. It contains a digest of the list: equal lists have equal keys.
        total: How many keys it lists.
        models: The models that the listed keys name, the first 100 of them.
    """

    object: str
    total: int
    models: tuple[str, ...] = ()


class BatchSource(NamedTuple):
    """Which files a batch is for; either `keys` or `prefix`.

    Attributes:
        keys: Keys in the bucket of inputs; of a long list only the first ones.
        prefix: What the keys begin with.
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
        id: Identifies it.
        model: Name of the model that it was asked for; None where the keys of its files name it.
        version: The wanted version; None for the latest.
        source: Which files it is for.
        options: What was asked for; None fields are left to the file and the model.
        created: When it was handed over; of two predictions for a key, the later batch's counts.
        target: Label for those who filter notifications.
        status: Where it is on its way.
        attempts: How often it was begun by the function that takes uploads.
        redrives: How often it was begun again after it had failed.
        started: When it was begun last.
        ended: When it reached its final state.
        lease: Until when whoever transforms it may take; None while the state machine has it, or nobody.
        execution: Name of the execution of the state machine that has it.
        files: How many files it has; None until that is known.
        chunks: How many chunks they have; None until that is known.
        failed_files: How many of them failed as a whole.
        counts: How many records; only of a batch that has ended.
        error: Why it failed; of one that has outputs, why it lacks files that a redrive may transform.
        notified: Whether its final state was told.
        revision: How often the record was changed.
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
    def final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def place(self) -> str:
        """Where it is among all batches: the text sorts by age, and needs no escapes in a URL."""
        return f"{self.created:013d}.{self.id}"


_NAMESPACE: Final = uuid.UUID("a1d2b7c4-0c35-4c55-9d0e-52d1f1a7f3e8")  # any constant; a new one forgets all
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def random_id() -> str:
    """Makes an id that nobody else has."""
    return str(uuid.uuid4())


def upload_id(bucket: str, key: str, generation: str) -> str:
    """Makes the id of the batch that an upload starts.

    Args:
        bucket: Name of the bucket.
        key: Key of the file.
        generation: Its version, or its etag where the bucket keeps no versions.
    """
    return _id("upload", bucket, generation, key)


def derived_id(scope: str, key: str) -> str:
    """Makes the id that belongs to a key.

    Args:
        scope: Who chose the key; the same key of two callers makes two ids.
        key: What the caller chose.
    """
    return _id("key", scope, key)


def scheduled_id(prefix: str, time: str) -> str:
    """Makes the id of the batch that a schedule starts.

    Args:
        prefix: What the keys begin with.
        time: When it was to start, as the schedule writes it.
    """
    return _id("schedule", time, prefix)


def batch_id(text: str) -> str:
    """Returns the id if it can be a batch's.

    Raises:
        NotFound: No batch can have this id.
    """
    if not _ID.fullmatch(text):
        raise NotFound(f"there is no batch {text[:64]!r}")
    return text


def execution_name(identity: str, redrives: int) -> str:
    """Names the execution of the state machine: a name serves once, so each redrive has its own."""
    return f"{identity}-{redrives}" if redrives else identity


def _id(*parts: str) -> str:
    # Lengths keep ("a", "b/c") and ("a/b", "c") apart.
    return str(uuid.uuid5(_NAMESPACE, "/".join(f"{len(part)}:{part}" for part in parts)))
