"""The state machine of a batch: pure functions from a record to the next one.

```
            ┌───────────── released ────────────┐
            v                                   │
 new ──> queued ── begun, handed over ──> planning ── planned ──> running ──┬─> succeeded
            ^                                   │                    │      ├─> succeeded_with_errors
            │                                   └────────────────────┴──────┼─> cancelled
            └───────────────────────────── redriven ────────────────────────┴── failed

 redriven as well: succeeded_with_errors, where files failed for a reason that may pass
```

Each function raises `Conflict` where the status of the batch does not allow it, counts the revision, and
returns the record itself where there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from triptych.batches.batch import Batch, Status, execution_name
from triptych.batches.file import FileOutcome
from triptych.errors import Conflict, ServiceUnavailable
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure, as_new, changed, expect

Transition = Callable[[Batch], Batch]

_UNDER_WAY = (Status.QUEUED, Status.PLANNING, Status.RUNNING)


def begun(batch: Batch, now: int, lease: int) -> Batch:
    """The function of uploads begins with it, unless somebody else has, and has until `lease` to end."""
    expect(batch, "begin", *_UNDER_WAY)
    if batch.execution is not None or leased(batch, now):
        raise Conflict(f"batch {batch.id} is being transformed already")
    return changed(batch, status=Status.PLANNING, started=now, lease=lease, attempts=batch.attempts + 1)


def released(batch: Batch, error: Failure) -> Batch:
    """An attempt did not succeed for a reason that may pass: it waits for the next one.

    Nothing is done if the state machine has it: start that before the record says so.
    """
    expect(batch, "be retried", Status.PLANNING, Status.RUNNING)
    if batch.execution is not None:
        return batch
    return changed(batch, status=Status.QUEUED, lease=None, error=error)


def handed_over(batch: Batch, now: int) -> Batch:
    """The state machine takes it; nothing is done if it has it; raises `Conflict` if it has ended."""
    expect(batch, "be planned", *_UNDER_WAY)
    execution = execution_name(batch.id, batch.redrives)
    if batch.execution == execution:
        return batch
    return changed(batch, status=Status.PLANNING, started=now, lease=None, execution=execution, error=None)


def planned(batch: Batch, files: int, chunks: int) -> Batch:
    """It is known what there is to do: so many files, of so many chunks."""
    expect(batch, "be planned", Status.PLANNING, Status.RUNNING)
    return changed(batch, status=Status.RUNNING, files=files, chunks=chunks)


def finished(batch: Batch, now: int, outcomes: Sequence[FileOutcome]) -> Batch:
    """Its files are done, or have failed; without files there was nothing to do.

    A file without an outcome was lost on the way.
    """
    expect(batch, "end", Status.PLANNING, Status.RUNNING)
    counts = sum((outcome.counts for outcome in outcomes), Counts())
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    files = len(outcomes) if batch.files is None else batch.files
    status, error = Status.SUCCEEDED, None
    if len(outcomes) < files:
        status, error = Status.FAILED, _lost(files - len(outcomes), files)
    elif errors and len(errors) == files:
        status, error = Status.FAILED, _all_failed(errors)
    elif errors or counts.failed:
        status, error = Status.SUCCEEDED_WITH_ERRORS, _missing(errors, files)
    known: dict[str, Any] = {"files": files, "failed_files": len(errors), "counts": counts}
    return _ended(batch, now, status=status, error=error, **known)


def failed(batch: Batch, now: int, error: Failure) -> Batch:
    """It is not going to be transformed; raises `Conflict` if it has ended."""
    expect(batch, "fail", *_UNDER_WAY)
    return _ended(batch, now, status=Status.FAILED, error=error)


def cancelled(batch: Batch, now: int) -> Batch:
    """Its caller does not want it any more; raises `Conflict` if it has ended."""
    expect(batch, "be cancelled", *_UNDER_WAY)
    return _ended(batch, now, status=Status.CANCELLED, error=None)


def redriven(batch: Batch) -> Batch:
    """It failed, or lost files, for a reason that may be gone: it is queued again, what was made stays."""
    expect(batch, "be redriven", Status.FAILED, Status.SUCCEEDED_WITH_ERRORS)
    if batch.error is None:
        raise Conflict(f"batch {batch.id} is {batch.status}: no file of it failed for a reason that may pass")
    made = {"execution": None, "files": None, "chunks": None, "failed_files": 0, "counts": Counts()}
    return as_new(batch, status=Status.QUEUED, **made)


def leased(batch: Batch, now: int) -> bool:
    """Returns whether the function of uploads is transforming it, and has time left."""
    return not batch.final and now < (batch.lease or 0)


def _lost(lost: int, files: int) -> Failure:
    message = f"nothing is known of {lost} of {files} files: a worker ended without a word; redrive the batch"
    return Failure(ServiceUnavailable.kind, message, retryable=True)


def _missing(errors: Sequence[Failure], files: int) -> Failure | None:
    """Returns the failure of a batch that has outputs, but lacks files which a redrive may transform."""
    passing = [error for error in errors if error.retryable]
    if not passing:
        return None
    first = passing[0]
    message = (
        f"{len(passing)} of {files} files failed for a reason that may pass; redrive the batch. "
        f"The first: {first.message}"
    )
    return Failure(first.type, message, retryable=True)


def _all_failed(errors: Sequence[Failure]) -> Failure:
    """Returns one failure for those of all files: it is retryable when any of them is."""
    first = errors[0]
    if len(errors) == 1:
        return first
    message = f"all {len(errors)} files failed; the first: {first.message}"
    return Failure(first.type, message, any(error.retryable for error in errors))


def _ended(batch: Batch, now: int, **changes: Any) -> Batch:  # noqa: ANN401 - fields of a batch
    return changed(batch, ended=now, lease=None, **changes)
