"""Tables in batches: the output does not depend on the number of chunks."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, RecordBatch, Table
from arro3.io import read_parquet, write_ipc, write_parquet
from triptych.batches.batch import Batch, Status
from triptych.inference.piece import Counts

from tests.support.batch_world import BatchWorld
from tests.support.crashes import Cloud, Fuse

ROWS = 18
FILLED = ROWS // 3 + ROWS // 9  # missing islands and lengths of bills


def penguins() -> Table:
    """Rows of penguins, of which some cells are missing."""
    columns: dict[str, tuple[list[Any], DataType]] = {
        "island": (["Biscoe", "Dream", None] * (ROWS // 3), DataType.utf8()),
        "bill_length_mm": (
            [None if row % 9 == 0 else 35.0 + row % 20 for row in range(ROWS)],
            DataType.float64(),
        ),
        "bill_depth_mm": ([17.0] * ROWS, DataType.float32()),
        "flipper_length_mm": ([190 + row % 30 for row in range(ROWS)], DataType.int64()),
        "body_mass_g": ([3000.0 + 20 * row for row in range(ROWS)], DataType.float64()),
        "sex": (["male", "female"] * (ROWS // 2), DataType.utf8()),
        "year": ([2007] * ROWS, DataType.int16()),
    }
    arrays = [Array(values, kind) for values, kind in columns.values()]
    return Table.from_batches([RecordBatch.from_arrays(arrays, names=list(columns))])


def parquet(group: int) -> bytes:
    """Writes them as Parquet, in row groups of so many rows."""
    target = io.BytesIO()
    write_parquet(penguins(), target, max_row_group_size=group)
    return target.getvalue()


def arrow() -> bytes:
    """Writes them as an Arrow file."""
    target = io.BytesIO()
    write_ipc(penguins(), target)
    return target.getvalue()


def rows(world: BatchWorld, key: str) -> dict[str, list[Any]]:
    """Reads the columns of an output, whose format is Parquet."""
    body = world.outputs.get(f"{key}.out")
    assert body is not None
    read = read_parquet(io.BytesIO(body)).read_all()
    columns: dict[str, Any] = {name: read[name].to_pylist() for name in read.schema.names}
    return columns


def transformed(directory: Path, key: str, body: bytes, direct_bytes: int) -> tuple[Batch, BatchWorld]:
    """Drops a file with the wish for species and mass, and runs it to its end."""
    cloud = Cloud(directory, Fuse(), direct_bytes)
    batch = cloud.drop(key, body, {"outputs": "species", "join": "body_mass_g", "format": "parquet"})
    return batch, cloud.world


@pytest.mark.parametrize("group", [1, 7, 30, 1000])
def test_parquet_in_chunks(tmp_path: Path, group: int) -> None:
    """Whatever row groups a file has, and whether one worker takes it or many, its rows come in order."""
    whole, one = transformed(tmp_path / "one", "penguins/a.parquet", parquet(1000), 10**6)
    parts, many = transformed(tmp_path / "many", "penguins/a.parquet", parquet(group), 0)
    assert [(Status.SUCCEEDED, Counts(ROWS, ROWS, 0, FILLED))] * 2 == [
        (batch.status, batch.counts) for batch in (whole, parts)
    ]
    assert (1, min(ROWS, -(-ROWS // group))) == (whole.chunks, parts.chunks)
    expected = rows(one, "penguins/a.parquet")
    assert expected == rows(many, "penguins/a.parquet")
    assert [3000.0 + 20 * row for row in range(ROWS)] == expected["body_mass_g"]


def test_arrow_is_like_parquet(tmp_path: Path) -> None:
    """The same rows have the same predictions."""
    _, one = transformed(tmp_path / "parquet", "penguins/a.parquet", parquet(30), 10**6)
    batch, other = transformed(tmp_path / "arrow", "penguins/a.arrow", arrow(), 0)
    assert (Status.SUCCEEDED, Counts(ROWS, ROWS, 0, FILLED)) == (batch.status, batch.counts)
    assert rows(one, "penguins/a.parquet") == rows(other, "penguins/a.arrow")


@pytest.mark.parametrize(
    ("key", "body", "message"),
    [
        ("penguins/a.parquet", b"hello", "must end with PAR1"),
        ("penguins/a.parquet", parquet(30)[:-9] + b"PAR1", "its footer"),
        ("penguins/a.arrow", b"hello", "not readable as Arrow"),
        ("penguins/a.arrow", arrow()[:200], "not readable as Arrow"),
    ],
)
def test_damaged_tables(tmp_path: Path, key: str, body: bytes, message: str) -> None:
    """A file that is damaged has failed, and its manifest says how."""
    for direct in (0, 10**6):
        batch, _ = transformed(tmp_path / str(direct), key, body, direct)
        assert batch.error is not None
        assert (Status.FAILED, False) == (batch.status, batch.error.retryable)
        assert message in batch.error.message
