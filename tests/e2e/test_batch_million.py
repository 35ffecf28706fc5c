"""A million rows through the state machine, and what a small file has that goes the same way."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.e2e.job_requests import rows_csv
from tests.support.dropped_files import DroppedFiles, Json

ROWS, DISTINCT = 1_000_000, 5_000
KEY = "penguins/million.csv"
SMALL = "penguins/distinct.csv"
TOLERANCE = 1e-5  # ONNX Runtime rounds otherwise in batches of another size
SECONDS = 300


@pytest.fixture(scope="module")
def order() -> np.ndarray:
    """Which of the distinct rows each of the million is, shape [rows]."""
    return np.random.default_rng(60).integers(0, DISTINCT, ROWS)


@pytest.fixture(scope="module")
def manifest(files: DroppedFiles, order: np.ndarray) -> Json:
    """The manifest of the million; a file of the distinct rows is transformed by one function beside it."""
    head, *rows = rows_csv(np.random.default_rng(61), DISTINCT).splitlines()
    event = files.drop(KEY, b"\n".join([head, *(rows[number] for number in order), b""]))
    files.transformed(SMALL, b"\n".join([head, *rows, b""]))
    return files.manifest(event, SECONDS)


def test_every_row_is_counted(manifest: Json, say: Callable[[str], None]) -> None:
    """Chunks cover the file without gap or overlap, and their records add up."""
    parts = manifest["parts"]
    assert "succeeded" == manifest["status"]
    assert {"read": ROWS, "written": ROWS, "failed": 0} == manifest["records"]
    assert ROWS == sum(part["records"]["written"] for part in parts)
    assert manifest["chunks"] > 30
    assert [part["end"] for part in parts[:-1]] == [part["start"] for part in parts[1:]]
    speed, peak = manifest["throughput"]["records_per_second"], manifest["peak_memory_bytes"]
    say(f"A million rows: {manifest['chunks']} chunks, {speed:,.0f} rows/s, at most {peak / 2**20:,.0f} MB")


def test_rows_have_the_predictions_that_they_have_alone(
    files: DroppedFiles, manifest: Json, order: np.ndarray
) -> None:
    """What many functions make of a file is what one makes of its rows, in the order of the file."""
    names, labels, numbers = _columns(files.output(SMALL))
    many_names, many_labels, many_numbers = _columns(files.output(KEY))
    assert manifest["output"]["columns"] == names == many_names
    np.testing.assert_array_equal(labels[order], many_labels)
    np.testing.assert_allclose(many_numbers, numbers[order], rtol=TOLERANCE, atol=TOLERANCE)


def _columns(output: bytes) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of the columns, labels of shape [rows] and probabilities of shape [rows, 3]."""
    head, *lines = output.decode().splitlines()
    names = head.split(",")
    labels = np.array([line.partition(",")[0] for line in lines])
    return names, labels, np.loadtxt(lines, np.float32, delimiter=",", usecols=range(1, len(names)))
