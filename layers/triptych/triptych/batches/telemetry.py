"""Logs and metrics of batches: one line for each batch, file and chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from triptych.aws.telemetry import NO_MODEL, Telemetry
from triptych.batches.batch import Batch, Status
from triptych.batches.file import FileOutcome, InputFile, Part
from triptych.batches.keys import input_key
from triptych.errors import TriptychError

_ENDED: Final = {
    Status.SUCCEEDED: "BatchesSucceeded",
    Status.SUCCEEDED_WITH_ERRORS: "BatchesSucceededWithErrors",
    Status.FAILED: "BatchesFailed",
    Status.CANCELLED: "BatchesCancelled",
}


class BatchTelemetry(Telemetry):
    """Writes logs and metrics of batches, beside those of requests."""

    def batch_accepted(self, batch: Batch) -> None:
        """A batch was accepted."""
        self.event(NO_MODEL, {"BatchesAccepted": 1.0}, "batch accepted", batch=batch.id)

    def chunk_ran(self, batch_id: str, file: InputFile, part: Part) -> None:
        """A chunk, or the beginning of one, was transformed."""
        values = {
            "ChunkTime": float(part.milliseconds),
            "InferenceTime": float(part.run_milliseconds),
            "BatchRecords": float(part.counts.read),
            "PeakMemory": float(part.peak_bytes >> 20),
            **_some({"BatchFailedRecords": part.counts.failed}),
        }
        about = {"batch": batch_id, "file": file.number, "model_version": file.version, "done": part.last}
        self.event(file.model, values, "chunk ran", **about)

    def file_ended(self, batch: Batch, outcome: FileOutcome) -> None:
        """A file succeeded or failed."""
        error = outcome.error
        name = "BatchFilesFailed" if error else "BatchFilesSucceeded"
        self.event(
            _model(outcome),
            {name: 1.0},
            "file ended",
            batch=batch.id,
            file=outcome.number,
            **outcome.counts.described(),
            error=error.type if error else None,
        )

    def batch_ended(self, batch: Batch) -> None:
        """A batch is in its final state."""
        self.event(
            NO_MODEL,
            {_ENDED[batch.status]: 1.0},
            "batch ended",
            batch=batch.id,
            status=batch.status.value,
            files=batch.files,
            **batch.counts.described(),
            error=batch.error.type if batch.error else None,
        )

    def messages_ended(self, messages: int, postponed: int) -> None:
        """Messages about uploads were processed; some of them are delivered again."""
        values = {"BatchSize": float(messages), **_some({"BatchesRetried": postponed})}
        self.event(NO_MODEL, values, "messages ended", postponed=postponed)


def _some(counts: Mapping[str, int]) -> dict[str, float]:
    # A sum is the same without zeros, and each metric that is written is paid for.
    return {name: float(count) for name, count in counts.items() if count}


def _model(outcome: FileOutcome) -> str:
    """Returns the model of a file if it is known to exist: a made-up name must not become a metric."""
    if outcome.error is not None:
        return NO_MODEL
    try:
        return input_key(outcome.key).model
    except TriptychError:  # a batch may name the model for keys that name none
        return NO_MODEL
