"""A batch as the API describes it, and the notification of its end.

| field | what it holds |
|---|---|
| awsRegion, eventVersion, eventSource, eventName | as those of jobs; the source is `triptych.batches` |
| receivedTime, eventTime | when the batch was submitted, when it ended |
| batchId, batchStatus | its id, its status |
| failureReason | why, when it failed |
| batch | the batch as `GET /v2/batches/{id}` shows it |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from triptych.aws.clients import AwsClients
from triptych.aws.notifications import Notification, Notifier
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.file import FileOutcome, Part
from triptych.clock import known_moment, moment
from triptych.inference.piece import Counts
from triptych.lifecycle.finalize import event_of, notification_of
from triptych.lifecycle.store import plain
from triptych.protocol.json_document import present

SHOWN: Final = 100
"""Files that a document names at most."""

_NEVER: Final = 2**31
"""Seconds: a guess beyond it is none."""

type Locate = Callable[[str], str]
"""Returns a link to an object of the bucket of outputs."""


class Progress(NamedTuple):
    """How far a batch has come; `chunks` that are done are None where that is not known."""

    counts: Counts
    chunks: int | None
    files: int
    failed_files: int


def progress_of(parts: Sequence[Part], outcomes: Sequence[FileOutcome]) -> Progress:
    """Returns how far a batch has come."""
    return Progress(
        counts=sum((part.counts for part in parts), Counts()),
        chunks=len({(part.file, part.chunk) for part in parts if part.last}),
        files=len(outcomes),
        failed_files=sum(outcome.error is not None for outcome in outcomes),
    )


def document(batch: Batch, now: int, progress: Progress | None = None) -> dict[str, object]:
    """Describes a batch in JSON; times are ISO 8601 in UTC, what is not known is left out."""
    far = _at_the_end(batch, progress)
    seconds = max((batch.ended or now) - (batch.started or now), 0) / 1000
    described: dict[str, object] = {
        "id": batch.id,
        "status": batch.status,
        "model": batch.model,
        "version": None if batch.version is None else str(batch.version),
        "source": _source(batch.source),
        "options": plain(batch.options) or None,
        "target": batch.target,
        "created_at": moment(batch.created),
        "started_at": known_moment(batch.started),
        "ended_at": known_moment(batch.ended),
        "attempts": batch.attempts,
        "redrives": batch.redrives,
        "progress": _progress(batch, far) if far else None,
        "records_per_second": round(far.counts.read / seconds, 1) if far and seconds else None,
        "seconds_left": _seconds_left(batch, seconds, far) if far else None,
        "error": batch.error._asdict() if batch.error else None,
    }
    return present(described)


def file_documents(outcomes: Sequence[FileOutcome], locate: Locate) -> list[dict[str, object]]:
    """Describes outcomes of files in JSON, of the first ones only where there are many."""
    return [_file(outcome, locate) for outcome in outcomes[:SHOWN]]


def file_status(counts: Counts, *, failed: bool) -> Status:
    """Returns the status that a file ends in."""
    if failed:
        return Status.FAILED
    return Status.SUCCEEDED_WITH_ERRORS if counts.failed else Status.SUCCEEDED


def _file(outcome: FileOutcome, locate: Locate) -> dict[str, object]:
    keys = {"output": outcome.output, "errors": outcome.errors, "manifest": outcome.manifest}
    described: dict[str, object] = {
        "key": outcome.key,
        "status": file_status(outcome.counts, failed=outcome.error is not None),
        **outcome.counts.described(),
        **{name: locate(key) for name, key in present(keys).items()},
    }
    return described | ({"error": outcome.error._asdict()} if outcome.error else {})


def _source(source: BatchSource) -> Mapping[str, object]:
    if source.prefix is not None:
        return {"prefix": source.prefix, "only_new": source.only_new}
    return {"keys": list(source.keys[:SHOWN]), "count": source.total}


def _at_the_end(batch: Batch, progress: Progress | None) -> Progress | None:
    """Prefers the record of a batch that has ended: its parts are deleted before it."""
    if not batch.final or batch.files is None:
        return progress
    whole = batch.chunks if batch.status not in {Status.FAILED, Status.CANCELLED} else None
    chunks = progress.chunks if progress and whole is None else whole
    files = progress.files if progress and batch.status is Status.CANCELLED else batch.files
    counts = progress.counts if progress and batch.status is Status.CANCELLED else batch.counts
    return Progress(counts, chunks, files, batch.failed_files)


def _progress(batch: Batch, progress: Progress) -> dict[str, object]:
    chunks = {"done": progress.chunks, "total": batch.chunks}
    files = {"done": progress.files, "failed": progress.failed_files, "total": batch.files}
    return {
        **progress.counts.described(),
        "chunks": present(chunks),
        "files": present(files),
    }


def _seconds_left(batch: Batch, seconds: float, progress: Progress) -> int | None:
    """Guesses how long the rest takes, at the pace so far."""
    if batch.status is not Status.RUNNING or not seconds or not progress.chunks or batch.chunks is None:
        return None
    return min(round(seconds * max(batch.chunks - progress.chunks, 0) / progress.chunks), _NEVER)


SOURCE = "triptych.batches"


def batch_notifier(clients: AwsClients, topic_arn: str, region: str) -> Notifier[Batch]:
    """Returns what publishes the end of a batch; a notification names the region."""
    return Notifier(clients, topic_arn, "the topic of batches", partial(_notification, region=region))


def notification(batch: Batch, region: str) -> dict[str, object]:
    """Describes how a batch ended."""
    described: dict[str, object] = {
        **event_of(batch, SOURCE, "BatchTransform", region),
        "batchId": batch.id,
        "batchStatus": batch.status,
        "batch": document(batch, batch.ended or batch.created),
    }
    return described | ({"failureReason": batch.error.message} if batch.error else {})


def kind(batch: Batch) -> str:
    """Names what happened, such as `Batch succeeded with errors`."""
    return f"Batch {batch.status.replace('_', ' ')}"


def _notification(batch: Batch, region: str) -> Notification:
    return notification_of(batch, SOURCE, kind(batch), notification(batch, region))
