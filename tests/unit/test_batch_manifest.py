"""Manifests: what a file was, what was made of it, what that took."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from triptych.batches.batch import Batch, BatchSource
from triptych.batches.file import InputFile, Part
from triptych.batches.manifest import FileReport, Generation, manifest
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure
from triptych.protocol.json_document import dump
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import BatchOptions

from tests.support.batch_strategies import batches, input_files, parts

NOW = 1_767_225_600_000
KEY = "digits/a.csv.gz"
OPTIONS = BatchOptions(join="all", format=Format.JSON_LINES, lookup=False, tolerance=1.0)
FILE = InputFile(
    0,
    KEY,
    4000,
    "in-etag",
    "v1",
    "digits",
    3,
    RowFormat(Format.CSV, "gzip"),
    OPTIONS,
    RowFormat(Format.JSON_LINES),
)
FIRST = Part(0, 0, True, 0, 600, Counts(60, 59, 1, 5), "k0", 590, "e0", ("label",), "", 2000, 1500, 100)
SECOND = FIRST._replace(
    chunk=1,
    start=600,
    end=1000,
    counts=Counts(40, 40, 0, 2),
    output_size=400,
    milliseconds=1000,
    peak_bytes=300,
)
BATCH = Batch("id", None, None, BatchSource((KEY,)), BatchOptions(), NOW, started=NOW + 1000)
REPORT = FileReport(
    batch=BATCH,
    source=Generation(KEY, 4000, "in-etag", "v1"),
    inputs="in",
    outputs="out",
    ended=NOW + 5000,
    memory=1769,
    file=FILE,
    parts=(FIRST, SECOND),
    output=Generation(f"{KEY}.out", 990, "out-etag"),
    errors=Generation(f"{KEY}.errors.jsonl", 50, "errors-etag"),
)


def written(report: FileReport) -> dict[str, Any]:
    """A manifest as JSON gives it back."""
    read: dict[str, Any] = json.loads(dump(manifest(report)))
    return read


def test_everything() -> None:
    """A manifest tells all that is known of a file, with links to everything that was made."""
    told = written(REPORT)
    cost = told.pop("cost_estimate")
    parts_told = told.pop("parts")
    assert {
        "manifest_version": 1,
        "batch": "id",
        "status": "succeeded_with_errors",
        "model": {"name": "digits", "version": "3"},
        "input": {
            "location": f"s3://in/{KEY}",
            "bytes": 4000,
            "etag": "in-etag",
            "version": "v1",
            "format": "csv",
            "compression": "gzip",
        },
        "options": {"join": "all", "format": "jsonl", "lookup": False, "tolerance": 1.0},
        "records": {"read": 100, "written": 99, "failed": 1},
        "filled_cells": 7,
        "output": {
            "location": f"s3://out/{KEY}.out",
            "bytes": 990,
            "etag": "out-etag",
            "format": "jsonl",
            "columns": ["label"],
        },
        "errors": {"location": f"s3://out/{KEY}.errors.jsonl", "bytes": 50, "etag": "errors-etag"},
        "chunks": 2,
        "timings": {
            "created_at": "2026-01-01T00:00:00.000Z",
            "started_at": "2026-01-01T00:00:01.000Z",
            "ended_at": "2026-01-01T00:00:05.000Z",
            "seconds": 4.0,
            "worker_seconds": 3.0,
            "run_seconds": 3.0,
        },
        "throughput": {"records_per_second": 25.0, "bytes_per_second": 1000.0},
        "peak_memory_bytes": 300,
        "links": {
            "batch": "/v2/batches/id",
            "input": f"s3://in/{KEY}",
            "output": f"s3://out/{KEY}.out",
            "errors": f"s3://out/{KEY}.errors.jsonl",
            "manifest": f"s3://out/{KEY}.manifest.json",
        },
    } == told
    assert [(0, 600, 590), (600, 1000, 400)] == [
        (part["start"], part["end"], part["bytes"]) for part in parts_told
    ]
    assert [5, 2] == [part["filled_cells"] for part in parts_told]
    assert 0 < cost["total_usd"] < 0.01


def test_failed_before_it_was_opened() -> None:
    """A file that nothing could be found out about has a manifest that says why."""
    error = Failure("NotFound", "there is no model 'digit'", retryable=False)
    told = written(
        FileReport(BATCH, Generation(KEY), "in", "out", ended=NOW + 5000, memory=1769, error=error)
    )
    assert ("failed", error._asdict()) == (told["status"], told["error"])
    assert {"location": f"s3://in/{KEY}"} == told["input"]
    assert {"read": 0, "written": 0, "failed": 0} == told["records"]
    assert not {"model", "options", "output", "errors", "chunks", "throughput"} & told.keys()
    assert ["batch", "input", "manifest"] == list(told["links"])


@given(batches(), input_files(), st.lists(parts(), max_size=5))
def test_counts_hold(batch: Batch, file: InputFile, made: list[Part]) -> None:
    """Whatever the parts are, what was read is what was written and what failed."""
    report = REPORT._replace(batch=batch, file=file, parts=made)
    records = manifest(report)["records"]
    assert isinstance(records, dict)
    assert records["read"] == records["written"] + records["failed"]
    assert len(made) == len(written(report)["parts"])
