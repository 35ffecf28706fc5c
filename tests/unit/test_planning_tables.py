"""Parquet is cut between row groups and read by them; Arrow is read from its beginning."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from arro3.core import Array, DataType, RecordBatch, Table
from arro3.io import write_ipc, write_ipc_stream, write_parquet
from hypothesis import given
from hypothesis import strategies as st
from triptych.batches.cut import plan_chunks
from triptych.batches.file import Chunk, InputFile
from triptych.batches.sizing import Sizing, sized
from triptych.batches.staging import Staging
from triptych.clock import Deadline
from triptych.errors import BadRequest, TriptychError
from triptych.inference.piece import Piece
from triptych.inference.slices import Budget
from triptych.inference.table_reading import arrow_rows, footer_of, parquet_rows
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import BatchOptions

from tests.support.objects import DirectoryBucket
from tests.support.properties import examples

ROWS = 25_000


def table(rows: int = ROWS) -> Table:
    """Rows whose numbers tell where they stand, beside text that repeats and cells that are missing."""
    numbers = Array(list(range(rows)), DataType.int64())
    texts = Array([None if row % 7 == 0 else f"t{row % 3}" for row in range(rows)], DataType.utf8())
    return Table.from_batches([RecordBatch.from_arrays([numbers, texts], names=["n", "t"])])


def parquet(rows: int = ROWS, group: int = 4_000, compression: str = "snappy") -> bytes:
    """Writes Parquet with row groups of so many rows."""
    target = io.BytesIO()
    write_parquet(table(rows), target, max_row_group_size=group, compression=compression)
    return target.getvalue()


@pytest.fixture
def bucket(tmp_path: Path) -> DirectoryBucket:
    """Returns an empty bucket."""
    return DirectoryBucket(tmp_path)


def piece(bucket: DirectoryBucket, body: bytes, start: int, end: int) -> Piece:
    """Returns a piece of a file, whose unread bytes are zeros."""
    return Piece(bucket.open(bucket.drop("file", body)), start, end)


def numbers(rows: Iterator[tuple[RecordBatch, int]]) -> list[int]:
    """Returns the numbers of the rows that are read, after the batch that tells the columns."""
    found: list[int] = []
    for batch, end in rows:
        assert ["n", "t"] == batch.schema.names
        found += batch["n"].to_pylist()
        assert not batch.num_rows or found[-1] + 1 == end
    return found


def planned(bucket: DirectoryBucket, body: bytes, size: int) -> list[Chunk]:
    """Cuts a Parquet file."""
    found = bucket.drop("m/a.parquet", body)
    form = RowFormat(Format.PARQUET)
    file = InputFile(0, "m/a.parquet", found.size, found.etag, None, "m", 1, form, BatchOptions(), form)
    budget = Budget(Deadline.after(9), lambda: None)
    chunks = plan_chunks(file, bucket.open(found), size, Staging(bucket, "id"), budget)
    rows = footer_of(bucket.open(found)).rows
    told = sized(file, bucket.open(found), size)
    assert Sizing(len(body), len(body), len(chunks), rows, exact=True) == told
    return chunks


@pytest.mark.parametrize("compression", ["snappy", "zstd(3)", "uncompressed"])
def test_pieces(bucket: DirectoryBucket, compression: str) -> None:
    """Any rows of a file are read, whichever row groups they lie in, and no others."""
    body = parquet(compression=compression)
    places = (0, 1, 3_999, 4_000, 4_001, 12_345, 20_000, ROWS - 1, ROWS)
    for start, end in pairwise(places):
        read = parquet_rows(piece(bucket, body, start, end), Deadline.after(30))
        assert list(range(start, end)) == numbers(read)


def test_only_the_wanted_groups_are_fetched(bucket: DirectoryBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file, the footer is read and the row groups of the piece."""
    part = piece(bucket, parquet(), 8_000, 12_000)
    fetched: list[range] = []
    local = part.source.local

    def watched(ranges: list[range]) -> AbstractContextManager[Path]:
        fetched.extend(ranges)
        return local(ranges)

    monkeypatch.setattr(part.source, "local", watched)
    assert list(range(8_000, 12_000)) == numbers(parquet_rows(part, Deadline.after(30)))
    assert 0 < sum(span.stop - span.start for span in fetched) < part.source.size / 4


@pytest.mark.parametrize("rows", [0, 1, 4_000, ROWS])
def test_plans(bucket: DirectoryBucket, rows: int) -> None:
    """Chunks follow each other from the first row to the last, and end where row groups do."""
    chunks = planned(bucket, parquet(rows), 1)
    assert (0, rows) == (chunks[0].start, chunks[-1].end)
    assert all(before.end == after.start for before, after in pairwise(chunks))
    assert max(1, -(-rows // 4_000)) == len(chunks)
    assert (len(chunks) == 1) is chunks[0].only
    assert 1 == len(planned(bucket, parquet(rows), 10**9))


def test_a_file_without_rows(bucket: DirectoryBucket) -> None:
    """It has columns all the same."""
    assert [] == numbers(parquet_rows(piece(bucket, parquet(0), 0, 0), Deadline.after(9)))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "must end with PAR1"),
        (b"PAR1", "must end with PAR1"),
        (b"PAR1" + 9 * b"x", "must end with PAR1"),
        (b"PAR1" + bytes(8) + b"PAR1", "cannot have 0 bytes"),
        (b"PAR1" + b"\xff\xff\xff\xffPAR1", "cannot have 4294967295 bytes"),
        (b"PAR1" + b"\x01\x01\x00\x00\x00PAR1", "its footer is damaged"),
        (
            b"PAR1" + b"\x19" * 2000 + b"\xd0\x07\x00\x00PAR1",
            "it is nested too deeply",
        ),
        (b"PARE" + bytes(8) + b"PARE", "encrypted Parquet is not read"),
    ],
)
def test_what_is_no_parquet(bucket: DirectoryBucket, body: bytes, message: str) -> None:
    """What is wrong with a file is said."""
    with pytest.raises(BadRequest, match=message):
        footer_of(bucket.open(bucket.drop("file", body)))


@given(st.data())
@examples(60)
def test_damaged_footers(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A footer that was damaged anywhere is read or refused, never anything else."""
    body = bytearray(parquet(3_000, 1_000))
    length = int.from_bytes(body[-8:-4], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(len(body) - 8 - length, len(body) - 5))] = data.draw(st.integers(0, 255))
    bucket = DirectoryBucket(tmp_path_factory.mktemp("damaged"))
    part = piece(bucket, bytes(body), 500, 2_500)
    read = 0
    with suppress(TriptychError):
        read = sum(batch.num_rows for batch, _ in parquet_rows(part, Deadline.after(20)))
    assert read <= 2_000


@pytest.mark.parametrize("stream", [False, True])
def test_arrow(bucket: DirectoryBucket, stream: bool) -> None:  # noqa: FBT001 - of the test
    """Rows of Arrow files and streams are read from wherever a piece begins, in small batches."""
    target = io.BytesIO()
    (write_ipc_stream if stream else write_ipc)(table(), target)
    for start, end in ((0, 2**53), (9_000, 17_001), (24_999, 2**53)):
        part = piece(bucket, target.getvalue(), start, end)
        assert list(range(start, min(end, ROWS))) == numbers(arrow_rows(part, Deadline.after(30)))


@pytest.mark.parametrize("body", [b"", b"ARROW1", b"ARROW1\0\0" + bytes(80), b"hello", bytes(100)])
def test_what_is_no_arrow(bucket: DirectoryBucket, body: bytes) -> None:
    """What is wrong with a file is said."""
    with pytest.raises(BadRequest, match="Arrow"):
        list(arrow_rows(piece(bucket, body, 0, 9), Deadline.after(9)))
