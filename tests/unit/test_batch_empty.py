"""Files without records: nothing at all has failed, a table of no rows has succeeded."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import orjson
import pytest
from arro3.core import Array, DataType, RecordBatch
from arro3.io import write_ipc, write_parquet
from triptych.batches.batch import Status
from triptych.batches.uploads import Upload
from triptych.clock import Deadline
from triptych.inference.piece import Counts

from tests.support.batch_world import BatchWorld

HEAD = b"island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year"
MARK = b"\xef\xbb\xbf"
EMPTY = "the input is empty: it has neither a record nor a header"


@pytest.fixture
def world(tmp_path: Path) -> BatchWorld:
    """Gives an empty world."""
    return BatchWorld(tmp_path)


def ended(world: BatchWorld, key: str, body: bytes, **metadata: str) -> tuple[Status, str]:
    """Drops a file; tells how its batch ended, and why if it failed. Nothing was read in either case."""
    found = world.inputs.drop(key, body, metadata)
    assert world.uploads.process(Upload(key, found.version, found.etag), Deadline.after(60)) is None
    (batch,) = world.store.batches.values()
    assert Counts() == batch.counts
    manifest = orjson.loads(world.outputs.get(f"{key}.manifest.json") or b"{}")
    assert (batch.status == "succeeded") == (f"{key}.out" in world.outputs.keys)
    return batch.status, manifest.get("error", {}).get("message", "")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet", "arrow", "npy", "csv.gz", "jsonl.zst"])
def test_no_bytes(world: BatchWorld, ending: str) -> None:
    """A file of no bytes has failed, whatever it is called."""
    assert (Status.FAILED, EMPTY) == ended(world, f"penguins/a.{ending}", b"")


@pytest.mark.parametrize("body", [b"\n", b"\r\n\n", MARK, MARK + b"\n"])
@pytest.mark.parametrize(("ending", "header"), [("csv", "present"), ("csv", "absent"), ("jsonl", "absent")])
def test_blank_text(world: BatchWorld, ending: str, header: str, body: bytes) -> None:
    """Text of blank lines, or of nothing but a byte order mark, has failed."""
    assert (Status.FAILED, EMPTY) == ended(world, f"penguins/a.{ending}", body, header=header)


@pytest.mark.parametrize("body", [b" \n", MARK])
def test_blank_document(world: BatchWorld, body: bytes) -> None:
    """A JSON document of blanks has failed."""
    assert (Status.FAILED, EMPTY) == ended(world, "penguins/a.json", body)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json"])
def test_compressed(world: BatchWorld, ending: str) -> None:
    """Compressed text is empty if what it holds is."""
    assert (Status.FAILED, EMPTY) == ended(world, f"penguins/a.{ending}.gz", gzip.compress(b"\n"))


def test_blank_lines_between_parts(world: BatchWorld) -> None:
    """A part of a file may be blank: the file counts as a whole."""
    row = b'{"island":"Dream","bill_length_mm":40.5,"year":2008}\n'
    batch, file = world.dropped("penguins/a.jsonl", row + b"\n" * 500 + row)
    for chunk in world.chunks(batch, file, 100):
        world.transform(batch, chunk)
    counts = [part.counts.read for part in world.store.parts(batch.id)]
    assert (2, True) == (sum(counts), 0 in counts)


def arrow(kind: str) -> bytes:
    """Writes a table of one column and no rows."""
    batch = RecordBatch.from_arrays([Array([], DataType.int64())], names=["user_id"])
    file = io.BytesIO()
    (write_parquet if kind == "parquet" else write_ipc)(batch, file)
    return file.getvalue()


def npy() -> bytes:
    """Writes an array of no rows."""
    file = io.BytesIO()
    np.save(file, np.zeros((0, 8, 8), np.float32))
    return file.getvalue()


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("penguins/a.csv", HEAD),
        ("penguins/a.csv", MARK + HEAD + b"\n\n"),
        ("penguins/a.json", b'{"instances": []}'),
        ("penguins/a.json", b"[]"),
        ("recommender/a.parquet", arrow("parquet")),
        ("recommender/a.arrow", arrow("arrow")),
        ("digits/a.npy", npy()),
    ],
)
def test_tables_of_no_rows(world: BatchWorld, key: str, body: bytes) -> None:
    """A table with a header, a schema or a shape and no rows has succeeded."""
    outputs = {"outputs": "digit"} if key.endswith("npy") else {}  # an array holds one output
    assert (Status.SUCCEEDED, "") == ended(world, key, body, **outputs)
