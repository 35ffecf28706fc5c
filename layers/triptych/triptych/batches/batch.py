"""A batch: files that are transformed with a model. All times are milliseconds since 1970."""

from __future__ import annotations

import operator
from enum import StrEnum
from typing import NamedTuple

from triptych.batches.form import FileFormat


class State(StrEnum):
    """Where a batch is on its way."""

    QUEUED = "queued"
    PLANNING = "planning"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    SUCCEEDED_WITH_ERRORS = "succeeded_with_errors"
    FAILED = "failed"
    STOPPED = "stopped"


FINAL = frozenset({State.SUCCEEDED, State.SUCCEEDED_WITH_ERRORS, State.FAILED, State.STOPPED})
"""States that a batch ends in."""


class BatchOptions(NamedTuple):
    """How files are read and what is wanted of them. None: nobody has said.

    Attributes:
        join: Input columns that come back before the outputs: `all`, `none`, or names with commas between.
        outputs: Names of the wanted outputs, with commas between.
        format: Format of the output; that of the input where it is None.
        key: Column that identifies a record.
        lookup: Whether predictions can be looked up by key.
        tolerance: Share of records, from 0 to 1, that may fail before the file fails.
        header: Whether the first row of CSV names the columns.
        delimiter: What separates the cells of CSV.
    """

    join: str | None = None
    outputs: str | None = None
    format: FileFormat | None = None
    key: str | None = None
    lookup: bool | None = None
    tolerance: float | None = None
    header: bool | None = None
    delimiter: str | None = None


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


class BatchError(NamedTuple):
    """Why a batch or a file failed.

    Attributes:
        type: Name of the error.
        message: What went wrong and what to do about it.
        retryable: Whether the same batch may succeed when it is redriven.
    """

    type: str
    message: str
    retryable: bool


class Counts(NamedTuple):
    """How many records there were, and how many of their cells were filled in.

    Attributes:
        read: Of the input.
        written: To the output.
        failed: That have no prediction; `read` is the sum of the other two.
        filled: Missing cells of written records that took the value for missing cells.
    """

    read: int = 0
    written: int = 0
    failed: int = 0
    filled: int = 0

    def __add__(self, other: object) -> Counts:
        """Adds those of another part."""
        if not isinstance(other, Counts):
            return NotImplemented
        return Counts(*map(operator.add, self, other))

    def described(self) -> dict[str, object]:
        """Describes them in JSON; cells that were filled in are told only where there are some."""
        described: dict[str, object] = {
            "records": {"read": self.read, "written": self.written, "failed": self.failed}
        }
        return described | ({"filled_cells": self.filled} if self.filled else {})


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
        state: Where it is on its way.
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
    state: State = State.QUEUED
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
    error: BatchError | None = None
    notified: bool = False
    revision: int = 0

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL

    @property
    def place(self) -> str:
        """Where it is among all batches: the text sorts by age, and needs no escapes in a URL."""
        return f"{self.created:013d}.{self.id}"
