"""Logs and metrics of batches: what each step leaves behind, and what it does not."""

import json
from typing import Any

import pytest
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.file import FileOutcome, InputFile, Part
from triptych.batches.telemetry import BatchTelemetry
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import BatchOptions

PRIVATE = "a very private text"
BATCH = Batch("id", "digits", None, BatchSource((f"digits/{PRIVATE}.csv",)), BatchOptions(key=PRIVATE), 1)
FORM = RowFormat(Format.CSV)
FILE = InputFile(2, f"digits/{PRIVATE}.csv", 9, "etag", None, "digits", 3, FORM, BatchOptions(), FORM)
DONE = FileOutcome(2, FILE.key, Counts(3, 2, 1), f"{PRIVATE}.out", None, f"{PRIVATE}.manifest.json")
ERROR = Failure("BadRequest", f"it quotes {PRIVATE}", retryable=False)
PART = Part(2, 0, False, 0, 9, Counts(3, 2, 1), None, 0, None, (), "", 250, 200, 300 << 20)

type Line = dict[str, Any]


@pytest.fixture
def telemetry() -> BatchTelemetry:
    """Telemetry of the chunk workers, in an invocation."""
    watching = BatchTelemetry("batch-chunk", "Triptych", "INFO")
    watching.request_started("the-invocation")
    return watching


def line(capsys: pytest.CaptureFixture[str]) -> Line:
    """The one line that was written."""
    (text,) = capsys.readouterr().out.splitlines()
    assert PRIVATE not in text
    written: Line = json.loads(text)
    return written


def metrics(written: Line) -> dict[str, tuple[float, str]]:
    """Values and units of the metrics that a line declares."""
    (declared,) = written["_aws"]["CloudWatchMetrics"]
    assert ("Triptych", [["model", "service"]]) == (declared["Namespace"], declared["Dimensions"])
    return {metric["Name"]: (written[metric["Name"]][0], metric["Unit"]) for metric in declared["Metrics"]}


def test_accepted(telemetry: BatchTelemetry, capsys: pytest.CaptureFixture[str]) -> None:
    """A batch that is accepted is counted, and found by its id."""
    telemetry.batch_accepted(BATCH)
    written = line(capsys)
    assert {"BatchesAccepted": (1, "Count")} == metrics(written)
    assert ("none", "batch-chunk", "id", "the-invocation", "INFO") == tuple(
        written[name] for name in ("model", "service", "batch", "request_id", "level")
    )


def test_chunk(telemetry: BatchTelemetry, capsys: pytest.CaptureFixture[str]) -> None:
    """A chunk counts its records and tells how long it took, for its model."""
    telemetry.chunk_ran("id", FILE, PART)
    written = line(capsys)
    assert {
        "ChunkTime": (250, "Milliseconds"),
        "InferenceTime": (200, "Milliseconds"),
        "BatchRecords": (3, "Count"),
        "BatchFailedRecords": (1, "Count"),
        "PeakMemory": (300, "Megabytes"),
    } == metrics(written)
    assert ("digits", 3, 2, False) == tuple(
        written[name] for name in ("model", "model_version", "file", "done")
    )


def test_chunk_without_failures(telemetry: BatchTelemetry, capsys: pytest.CaptureFixture[str]) -> None:
    """What did not happen is not paid for."""
    telemetry.chunk_ran("id", FILE, PART._replace(counts=Counts(3, 3, 0)))
    assert "BatchFailedRecords" not in metrics(line(capsys))


def test_files(telemetry: BatchTelemetry, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is counted for its model when it is done; when it failed, the model may not exist."""
    telemetry.file_ended(BATCH, DONE)
    written = line(capsys)
    assert ({"BatchFilesSucceeded": (1, "Count")}, "digits") == (metrics(written), written["model"])
    assert {"read": 3, "written": 2, "failed": 1} == written["records"]
    telemetry.file_ended(BATCH, DONE._replace(error=ERROR))
    written = line(capsys)
    assert ({"BatchFilesFailed": (1, "Count")}, "none") == (metrics(written), written["model"])
    assert "BadRequest" == written["error"]
    telemetry.file_ended(BATCH, DONE._replace(key="unnamed"))
    assert "none" == line(capsys)["model"]


@pytest.mark.parametrize(
    ("status", "metric"),
    [
        (Status.SUCCEEDED, "BatchesSucceeded"),
        (Status.SUCCEEDED_WITH_ERRORS, "BatchesSucceededWithErrors"),
        (Status.FAILED, "BatchesFailed"),
        (Status.CANCELLED, "BatchesCancelled"),
    ],
)
def test_ended(
    telemetry: BatchTelemetry, capsys: pytest.CaptureFixture[str], status: Status, metric: str
) -> None:
    """A batch is counted by how it ended."""
    telemetry.batch_ended(BATCH._replace(status=status, error=ERROR))
    written = line(capsys)
    assert ({metric: (1, "Count")}, status.value, "BadRequest") == (
        metrics(written),
        written["status"],
        written["error"],
    )


def test_messages(telemetry: BatchTelemetry, capsys: pytest.CaptureFixture[str]) -> None:
    """Messages are counted, and those of them that come again."""
    telemetry.messages_ended(5, 2)
    assert {"BatchSize": (5, "Count"), "BatchesRetried": (2, "Count")} == metrics(line(capsys))
    telemetry.messages_ended(5, 0)
    assert {"BatchSize": (5, "Count")} == metrics(line(capsys))
