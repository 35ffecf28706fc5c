"""Ending files: parts become an output, or a failure its reason; then the manifest, last of all.

```
old manifest deleted ──> output ──> failed records ──> manifest ──> outcome in the table
```

A crash between any two steps leaves no manifest of something that is not there, and whoever comes again does
the same once more.
"""

from __future__ import annotations

from collections.abc import Sequence

from triptych.batch.chains import chain_of, counts_of
from triptych.batch.joining import joined_errors, joined_output
from triptych.batch.places import Places
from triptych.batch.stopping import still_wanted
from triptych.batches.batch import Batch, BatchError, Counts
from triptych.batches.file import FileOutcome, InputFile, Join, Part
from triptych.batches.keys import errors_key, manifest_key, output_key
from triptych.batches.manifest import FileReport, Generation, manifest
from triptych.errors import Conflict, TriptychError
from triptych.interfaces.batch_observer import BatchObserver
from triptych.interfaces.batch_store import BatchStore
from triptych.interfaces.clock import Clock
from triptych.interfaces.objects import StoredObject
from triptych.protocol.json_body import dump
from triptych.tables.table import EMPTY


class Finisher:
    """Ends files. To end one again changes nothing.

    Args:
        places: Where batches read and write.
        store: Keeps the records.
        observer: Is told how files ended.
        memory: Megabytes of the workers, for the estimate of what they cost.
        clock: Gives the milliseconds since 1970.
    """

    def __init__(
        self, places: Places, store: BatchStore, observer: BatchObserver, memory: int, clock: Clock
    ) -> None:
        self._places = places
        self._store = store
        self._observer = observer
        self._memory = memory
        self._clock = clock

    def finish(self, batch: Batch, join: Join) -> FileOutcome:
        """Joins the parts of a file, or tells why there is no output.

        Args:
            batch: Its batch.
            join: The file, all of whose parts are there.

        Raises:
            Stopped: The batch was stopped.
            TriptychError: Something is out of order that may pass.
        """
        still_wanted(self._store, batch.id)
        if known := self._store.outcome(batch.id, join.file.number):
            return known
        file = join.file
        report = self._report(batch, Generation(file.key, file.size, file.etag, file.object_version))
        try:
            self._check_current(file)
            parts = chain_of(self._store, self._places.work, batch.id, join)
            report = report._replace(file=file, parts=parts)
            return self._ended(self._joined(report, file, parts), file.number)
        except TriptychError as error:
            if error.retryable:
                raise
            return self._ended(report._replace(file=file, error=_described(error)), file.number)

    def refuse(self, batch: Batch, number: int, source: Generation, error: TriptychError) -> FileOutcome:
        """Ends a file that is wrong as a whole.

        Args:
            batch: Its batch.
            number: Which of its batch it is.
            source: The file.
            error: Why it failed.

        Raises:
            ServiceUnavailable: Something cannot be reached: end it again later.
        """
        if known := self._store.outcome(batch.id, number):
            return known
        return self._ended(self._report(batch, source)._replace(error=_described(error)), number)

    def refuse_file(self, batch: Batch, file: InputFile, error: TriptychError) -> FileOutcome:
        """Ends a file that was opened and is wrong as a whole; see `refuse`."""
        source = Generation(file.key, file.size, file.etag, file.object_version)
        return self.refuse(batch, file.number, source, error)

    def _report(self, batch: Batch, source: Generation) -> FileReport:
        inputs, outputs = self._places.inputs.name, self._places.outputs.name
        return FileReport(batch, source, inputs, outputs, ended=self._clock(), memory=self._memory)

    def _check_current(self, file: InputFile) -> None:
        """Lets an earlier upload not take the place of a later one's predictions."""
        found = self._places.inputs.find(file.key)
        if found is None or (found.version, found.etag) != (file.object_version, file.etag):
            raise Conflict("the file was replaced by a newer upload, or removed, while it was transformed")

    def _joined(self, report: FileReport, file: InputFile, parts: Sequence[Part]) -> FileReport:
        error = _judged(file, counts_of(parts))
        self._places.outputs.delete(manifest_key(file.key))
        output = None
        if error is None:
            output = joined_output(self._places, file, parts)
        else:
            self._places.outputs.delete(output_key(file.key))  # of an earlier upload
        errors = joined_errors(self._places, file, parts)
        return report._replace(output=_generation(output), errors=_generation(errors), error=error)

    def _ended(self, report: FileReport, number: int) -> FileOutcome:
        key = report.source.key
        if not _is_replaced(report):
            self._places.outputs.put(manifest_key(key), dump(manifest(report)), "application/json")
        outcome = FileOutcome(
            number=number,
            key=key,
            counts=report.counts,
            output=output_key(key) if report.output else None,
            errors=errors_key(key) if report.errors else None,
            manifest=manifest_key(key),
            error=report.error,
        )
        if self._store.add_outcome(report.batch.id, outcome):
            self._observer.file_ended(report.batch, outcome)
            return outcome
        return self._store.outcome(report.batch.id, number) or outcome


def _is_replaced(report: FileReport) -> bool:
    """Tells whether the manifest is a newer upload's to write."""
    return report.error is not None and report.error.type == Conflict.__name__


def _judged(file: InputFile, counts: Counts) -> BatchError | None:
    """Tells whether too many records failed, or there is nothing at all."""
    tolerance = file.options.tolerance if file.options.tolerance is not None else 1.0
    if not counts.read and file.form.is_records_alone:
        return _failed(EMPTY)
    if counts.read and not counts.written:
        return _failed(f"all {counts.read} records failed; the first reasons are in the file of errors")
    if counts.failed > tolerance * counts.read:
        share = counts.failed / counts.read
        return _failed(
            f"{counts.failed} of {counts.read} records failed, {share:.2%}; tolerated are {tolerance:.2%}"
        )
    return None


def _failed(message: str) -> BatchError:
    return BatchError("BadRequest", message, retryable=False)


def _described(error: TriptychError) -> BatchError:
    return BatchError(type(error).__name__, str(error), error.retryable)


def _generation(found: StoredObject | None) -> Generation | None:
    return None if found is None else Generation(found.key, found.size, found.etag, found.version)
