"""Files of every format that is read, compressed and plain, and outputs of every format that is written."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from arro3.io import infer_csv_schema, read_csv, read_ipc, read_parquet, write_ipc, write_parquet
from backports import zstd

from tests.support.dropped_files import DroppedFiles

EXAMPLES = Path(__file__).parents[2] / "examples"
CSV = (EXAMPLES / "penguins.csv").read_bytes()
LINES = (EXAMPLES / "penguins.jsonl").read_bytes()
JSON = (EXAMPLES / "penguins.json").read_bytes()
ROWS = 11


def as_table(write: Callable[..., None]) -> bytes:
    """Writes the rows as a table, with types."""
    schema = infer_csv_schema(io.BytesIO(CSV), has_header=True)
    target = io.BytesIO()
    write(read_csv(io.BytesIO(CSV), schema, has_header=True), target)
    return target.getvalue()


INPUTS = {
    "parquet": as_table(write_parquet),
    "arrow": as_table(write_ipc),
    "csv": CSV,
    "csv.gz": gzip.compress(CSV),
    "csv.zst": zstd.compress(CSV),
    "jsonl": LINES,
    "ndjson.gz": gzip.compress(LINES),
    "jsonl.zst": zstd.compress(LINES),
    "json": JSON,
    "json.gz": gzip.compress(JSON),
    "json.zst": zstd.compress(JSON),
}
COUNTED: dict[str, Callable[[bytes], int]] = {
    "csv": lambda output: len(output.splitlines()) - 1,
    "jsonl": lambda output: len(output.splitlines()),
    "json": lambda output: len(json.loads(output)["predictions"]),
    "parquet": lambda output: read_parquet(io.BytesIO(output)).read_all().num_rows,
    "arrow": lambda output: read_ipc(io.BytesIO(output)).read_all().num_rows,
}


@pytest.mark.parametrize("ending", INPUTS)
def test_every_format_has_the_same_predictions(files: DroppedFiles, ending: str) -> None:
    """However the rows are written, their predictions are those of real time."""
    key = f"penguins/read.{ending}"
    manifest = files.transformed(key, INPUTS[ending], format="csv")
    assert ("succeeded", ROWS) == (manifest["status"], manifest["records"]["written"]), manifest
    assert files.predicted("penguins", CSV) == files.output(key)


@pytest.mark.parametrize("form", COUNTED)
def test_every_format_is_written(files: DroppedFiles, form: str) -> None:
    """An output has a record for each of the input, in the format that is asked for."""
    ending = "json" if form == "json" else "csv"  # only a document becomes a document
    key = f"penguins/written-as-{form}.{ending}"
    manifest = files.transformed(key, INPUTS[ending], format=form)
    assert ("succeeded", form) == (manifest["status"], manifest["output"]["format"]), manifest
    assert ROWS == COUNTED[form](files.output(key))


def test_arrays_of_numbers(files: DroppedFiles) -> None:
    """An array of NumPy's has one back: of the one output that is asked for."""
    images = np.random.default_rng(80).uniform(0, 16, (300, 8, 8)).astype(np.float32)
    content = io.BytesIO()
    np.save(content, images)
    manifest = files.transformed("digits/images.npy", content.getvalue(), outputs="digit")
    assert ("succeeded", 300) == (manifest["status"], manifest["records"]["written"]), manifest
    digits = np.load(io.BytesIO(files.output("digits/images.npy")))
    asked = [{"name": "image", "datatype": "FP32", "shape": images.shape, "data": images.ravel().tolist()}]
    answer = files.request("POST", "/v2/models/digits/infer", json={"inputs": asked}).json()
    (expected,) = (output["data"] for output in answer["outputs"] if output["name"] == "digit")
    np.testing.assert_array_equal(expected, digits.ravel())
