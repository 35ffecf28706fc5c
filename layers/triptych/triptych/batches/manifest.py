"""The manifest of a file: input, output, time and cost. It is written last, and once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from triptych.aws.objects import StoredObject
from triptych.batches.batch import Batch
from triptych.batches.document import file_status
from triptych.batches.estimate import Work, cost_of
from triptych.batches.file import InputFile, Part
from triptych.batches.keys import manifest_key
from triptych.clock import moment
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure
from triptych.lifecycle.store import plain
from triptych.protocol.json_document import present
from triptych.rows.formats import Format


class Generation(NamedTuple):
    """An object as it was when it was seen.

    Attributes:
        size: Bytes; None where nothing is known of it.
        etag: Changes with its content: a digest of it, or of its parts.
        version: Its version; None where the bucket keeps none.
    """

    key: str
    size: int | None = None
    etag: str | None = None
    version: str | None = None

    @classmethod
    def of(cls, found: StoredObject | str) -> Generation:
        """Returns the generation of an object, or the key alone of one that is not there."""
        if isinstance(found, str):
            return cls(found)
        return cls(found.key, found.size, found.etag, found.version)


class FileReport(NamedTuple):
    """Everything that is known of a file when it ends.

    Attributes:
        memory: Megabytes of the workers.
        file: The file with its model and options; None when it failed before these were known.
    """

    batch: Batch
    source: Generation
    inputs: str
    outputs: str
    ended: int
    memory: int
    file: InputFile | None = None
    parts: Sequence[Part] = ()
    output: Generation | None = None
    errors: Generation | None = None
    error: Failure | None = None

    @property
    def counts(self) -> Counts:
        """How many records."""
        return sum((part.counts for part in self.parts), Counts())

    @property
    def started(self) -> int:
        """When its batch was begun."""
        return self.batch.started or self.batch.created


def manifest(report: FileReport) -> dict[str, object]:
    """Describes a file in JSON; what is not known is left out."""
    file = report.file
    described: dict[str, object | None] = {
        "manifest_version": 1,
        "batch": report.batch.id,
        "status": file_status(report.counts, failed=report.error is not None),
        "model": {"name": file.model, "version": str(file.version)} if file else None,
        "input": _input(report),
        "options": plain(file.options) if file else None,
        **report.counts.described(),
        "output": _output(report),
        "errors": _object(report.outputs, report.errors) if report.errors else None,
        "chunks": len({part.chunk for part in report.parts}) or None,
        "parts": [_part(part) for part in report.parts],
        "timings": _timings(report),
        "throughput": _throughput(report),
        "peak_memory_bytes": max((part.peak_bytes for part in report.parts), default=None),
        "cost_estimate": _cost(report),
        "links": _links(report),
        "error": report.error._asdict() if report.error else None,
    }
    return present(described)


def _input(report: FileReport) -> dict[str, object]:
    described = _object(report.inputs, report.source)
    if report.file:
        described |= {"format": report.file.form.format, "compression": report.file.form.compression}
    return present(described)


def _output(report: FileReport) -> dict[str, object] | None:
    if report.output is None:
        return None
    described = _object(report.outputs, report.output)
    if report.file:
        described["format"] = report.file.answer.format
    columns = max((part.columns for part in report.parts), key=len, default=())
    return described | ({"columns": list(columns)} if columns else {})


def _object(bucket: str, found: Generation) -> dict[str, object]:
    generation = {"bytes": found.size, "etag": found.etag, "version": found.version}
    return {"location": f"s3://{bucket}/{found.key}", **present(generation)}


def _part(part: Part) -> dict[str, object]:
    return {
        "chunk": part.chunk,
        "start": part.start,
        "end": part.end,
        **part.counts.described(),
        "bytes": part.output_size,
        "milliseconds": part.milliseconds,
        "run_milliseconds": part.run_milliseconds,
    }


def _timings(report: FileReport) -> dict[str, object]:
    return {
        "created_at": moment(report.batch.created),
        "started_at": moment(report.started),
        "ended_at": moment(report.ended),
        "seconds": _seconds(report),
        "worker_seconds": sum(part.milliseconds for part in report.parts) / 1000,
        "run_seconds": sum(part.run_milliseconds for part in report.parts) / 1000,
    }


def _throughput(report: FileReport) -> dict[str, float] | None:
    seconds = _seconds(report)
    if seconds <= 0 or not report.parts:
        return None
    return {
        "records_per_second": round(report.counts.read / seconds, 1),
        "bytes_per_second": round((report.source.size or 0) / seconds, 1),
    }


def _cost(report: FileReport) -> dict[str, float]:
    lookups = report.counts.written if report.file and report.file.options.lookup else 0
    images = report.file is not None and report.file.form.format is Format.IMAGE
    work = Work(
        size=report.source.size or 0,
        files=1,
        chunks=max(len(report.parts), 1),
        memory=report.memory,
        lookups=lookups,
        written=report.output.size if report.output else 0,
        images=report.counts.read if images else 0,
    )
    return cost_of(work, sum(part.milliseconds for part in report.parts) / 1000).described()


def _links(report: FileReport) -> dict[str, object]:
    made = {"output": report.output, "errors": report.errors}
    return {
        "batch": f"/v2/batches/{report.batch.id}",
        "input": f"s3://{report.inputs}/{report.source.key}",
        **{name: f"s3://{report.outputs}/{found.key}" for name, found in made.items() if found},
        "manifest": f"s3://{report.outputs}/{manifest_key(report.source.key)}",
    }


def _seconds(report: FileReport) -> float:
    return max(report.ended - report.started, 0) / 1000
