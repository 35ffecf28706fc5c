"""Finishing files: parts become an output, or a failure its reason; the manifest is written last.

```
begin:  old manifest, old output, old failed records deleted
end:    any manifest deleted ──> output ──> failed records ──> manifest ──> outcome in the table
```

A crash between any two steps leaves no manifest of something that is not there, and whoever comes again does
the same once more. The second deletion matters where the work on an earlier upload ended after this began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import orjson

from triptych.aws.bucket import Bucket
from triptych.aws.objects import ObjectReader, StoredObject
from triptych.aws.uploads import ObjectWriter
from triptych.batches.batch import Batch
from triptych.batches.file import FileOutcome, InputFile, Join, Part, with_columns
from triptych.batches.images import is_list_of_images
from triptych.batches.keys import errors_key, manifest_key, output_key
from triptych.batches.manifest import FileReport, Generation, manifest
from triptych.batches.store import BatchStorage, BatchStore
from triptych.batches.telemetry import BatchTelemetry
from triptych.clock import Clock
from triptych.errors import BadRequest, Conflict, ServiceUnavailable, TriptychError
from triptych.inference.output import TABLES, Written, head, rewrite, tail
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure
from triptych.protocol.json_document import dump
from triptych.rows.table import EMPTY

_REPLACED = "the file was replaced by a newer upload, or removed, while it was transformed"


class Finisher:
    """Ends files. To end one again changes nothing.

    Methods raise `ServiceUnavailable`, or another retryable error, when something cannot be reached.
    """

    def __init__(self, storage: BatchStorage, telemetry: BatchTelemetry, memory: int, clock: Clock) -> None:
        self._storage = storage
        self._batches = storage.batches
        self._telemetry = telemetry
        self._memory = memory
        self._clock = clock

    def begin(self, batch: Batch, number: int, source: Generation) -> None:
        """Deletes earlier results of the key of a file, so that no manifest stands beside work on it.

        Nothing is deleted where the file has its outcome already, or where a newer upload has its key.
        """
        if self._batches.outcome(batch.id, number) is None and self._is_current(source):
            for key in (manifest_key, output_key, errors_key):  # a manifest goes before what it describes
                self._storage.outputs.delete(key(source.key))

    def finish(self, batch: Batch, join: Join) -> FileOutcome:
        """Joins the parts of a file, or records why there is no output.

        Raises:
            Cancelled: The batch was cancelled.
        """
        self._batches.check_wanted(batch.id)
        if known := self._batches.outcome(batch.id, join.file.number):
            return known
        file = join.file
        report = self._report(batch, Generation.of(file.stored))._replace(file=file)
        try:
            if not self._is_current(report.source):
                raise Conflict(_REPLACED)
            parts = _chain(self._batches, self._storage.work, batch.id, join)
            report = report._replace(parts=parts)
            report = self._joined(report, file, parts)
        except TriptychError as error:
            if error.retryable:
                raise
            report = report._replace(error=Failure.of(error))
        return self._ended(report, file.number)

    def refuse(self, batch: Batch, number: int, source: Generation, error: TriptychError) -> FileOutcome:
        """Ends a file that is wrong as a whole."""
        if known := self._batches.outcome(batch.id, number):
            return known
        return self._ended(self._report(batch, source)._replace(error=Failure.of(error)), number)

    def refuse_file(self, batch: Batch, file: InputFile, error: TriptychError) -> FileOutcome:
        """Ends a file that was opened and is wrong as a whole; see `refuse`."""
        return self.refuse(batch, file.number, Generation.of(file.stored), error)

    def _report(self, batch: Batch, source: Generation) -> FileReport:
        inputs, outputs = self._storage.inputs.name, self._storage.outputs.name
        return FileReport(batch, source, inputs, outputs, ended=self._clock(), memory=self._memory)

    def _is_current(self, source: Generation) -> bool:
        """Returns whether no newer upload has the key of a file: the results of one are not to be touched."""
        found = self._storage.inputs.find(source.key)
        if found is None and is_list_of_images(source.key):
            return True  # of which there is no object
        seen = (found.version, found.etag) if found else (None, None)
        return seen == (source.version, source.etag)

    def _joined(self, report: FileReport, file: InputFile, parts: Sequence[Part]) -> FileReport:
        error = _too_many_failed(file, report.counts)
        self._storage.outputs.delete(manifest_key(file.key))
        output = _joined_output(self._storage, file, parts) if error is None else None
        errors = _joined_errors(self._storage, file, parts)
        return report._replace(
            output=Generation.of(output) if output else None,
            errors=Generation.of(errors) if errors else None,
            error=error,
        )

    def _ended(self, report: FileReport, number: int) -> FileOutcome:
        key = report.source.key
        if self._is_current(report.source):
            self._publish(report)
        elif report.error is None:
            replaced = Failure.of(Conflict(_REPLACED))
            report = report._replace(output=None, errors=None, error=replaced)
        outcome = FileOutcome(
            number=number,
            key=key,
            counts=report.counts,
            output=output_key(key) if report.output else None,
            errors=errors_key(key) if report.errors else None,
            manifest=manifest_key(key),
            error=report.error,
        )
        if self._batches.add_outcome(report.batch.id, outcome):
            self._telemetry.file_ended(report.batch, outcome)
            return outcome
        return self._batches.outcome(report.batch.id, number) or outcome

    def _publish(self, report: FileReport) -> None:
        """Writes the manifest, when nothing is there but what it lists."""
        key, outputs = report.source.key, self._storage.outputs
        if report.error is not None:
            outputs.delete(manifest_key(key))
            outputs.delete(output_key(key))
            if report.errors is None:
                outputs.delete(errors_key(key))
        outputs.put(manifest_key(key), dump(manifest(report)), "application/json")


def _too_many_failed(file: InputFile, counts: Counts) -> Failure | None:
    """Returns the failure of a file of which too many records failed, or that has none."""
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


def _failed(message: str) -> Failure:
    return Failure(BadRequest.kind, message, retryable=False)


def _chain(store: BatchStore, work: Bucket, batch_id: str, join: Join) -> list[Part]:
    """Follows the parts of a file from its first position to its last.

    Parts that a slower worker made beside the chain are passed over.

    Raises:
        BadRequest: Parts do not fit each other: the model has other columns for some records.
        ServiceUnavailable: A part is not there yet.
    """
    by_start = {part.start: part for part in store.parts(batch_id, join.file.number)}
    chain: list[Part] = []
    position = join.start
    while not chain or position < join.end:
        part = by_start.get(position)
        if part is None:
            raise ServiceUnavailable(
                f"the part of the file that begins at {position} is not there; try again"
            )
        chain.append(part)
        position = part.end
    chain = with_columns(work, chain)
    _check_alike(chain)
    return chain


def _representative(parts: Sequence[Part]) -> Part:
    """Returns a part that knows the columns: one with rows, if there is any."""
    return max(parts, key=lambda part: part.counts.written > 0)


def _check_alike(parts: Sequence[Part]) -> None:
    known = _representative(parts)
    for part in parts:
        if part.counts.written and (part.columns, part.layout) != (known.columns, known.layout):
            raise BadRequest(
                f"the model gives {len(known.columns)} columns for some records and {len(part.columns)} for "
                "others; leave the output out with the option outputs"
            )


def _joined_output(storage: BatchStorage, file: InputFile, parts: Sequence[Part]) -> StoredObject:
    """Writes the output of a file."""
    key, content_type = output_key(file.key), file.answer.format.content_type
    objects = [_object(storage.work, part.output) for part in parts if part.output]
    if file.answer.format in TABLES and len(objects) > 1:
        writer = storage.outputs.create(key, content_type)
        readers: list[ObjectReader] = [storage.work.open(found) for found in objects]
        return _closed(writer, lambda: rewrite(readers, file.answer, writer))
    known = _representative(parts)
    rows = sum(part.counts.written for part in parts)
    envelope = {"model_name": file.model, "model_version": str(file.version)}
    before = head(file.answer, Written(known.columns, known.layout), rows, envelope)
    pieces: list[bytes | StoredObject] = [before, *objects, tail(file.answer)]
    return storage.outputs.join(key, pieces, storage.work, content_type)


def _joined_errors(storage: BatchStorage, file: InputFile, parts: Sequence[Part]) -> StoredObject | None:
    """Writes the failed records of a file, numbered within the file; returns None when there are none."""
    if not any(part.errors for part in parts):
        storage.outputs.delete(errors_key(file.key))  # of an earlier upload
        return None
    writer = storage.outputs.create(errors_key(file.key), "application/jsonlines")

    def write() -> None:
        before = 0
        for part in parts:
            for line in _lines(storage.work, part.errors):
                error = orjson.loads(line)
                writer.write(orjson.dumps({**error, "record": error["record"] + before}) + b"\n")
            before += part.counts.read

    return _closed(writer, write)


def _closed(writer: ObjectWriter, write: Callable[[], None]) -> StoredObject:
    """Makes an object visible once all of it is written."""
    try:
        write()
        return writer.close()
    except BaseException:
        writer.abort()
        raise


def _lines(bucket: Bucket, key: str | None) -> Iterator[bytes]:
    if key is None:
        return
    found = _object(bucket, key)
    rest = b""
    for block in bucket.open(found).blocks(0, found.size):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines


def _object(bucket: Bucket, key: str) -> StoredObject:
    found = bucket.find(key)
    if found is None:
        raise ServiceUnavailable("a part of the file is gone; redrive the batch")
    return found
