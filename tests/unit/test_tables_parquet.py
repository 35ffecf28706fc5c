"""Parquet rows in and out."""

import io
from pathlib import Path

import numpy as np
import pytest
from arro3.core import Array, DataType, RecordBatch
from arro3.io import write_parquet
from hypothesis import given
from hypothesis import strategies as st
from triptych.errors import BadRequest, PayloadTooLarge, TriptychError
from triptych.rows.arrow import values_of
from triptych.rows.parquet import decode_parquet, decoded_batches, encode_parquet

from tests.support.properties import examples

LIMIT = 2**20
SMALL = encode_parquet({"a": Array([1, 2], DataType.int64()), "b": Array(["x", None], DataType.utf8())})


def test_typed_columns_come_back() -> None:
    """Types and missing cells survive, also over several row groups and batches."""
    rows = 20_000
    numbers, texts = [*range(rows)], [None if row % 3 else str(row) for row in range(rows)]
    batch = RecordBatch.from_arrays(
        [Array(numbers, DataType.int32()), Array(texts, DataType.utf8())], names=["n", "t"]
    )
    file = io.BytesIO()
    write_parquet(batch, file, compression="zstd(1)", max_row_group_size=7_000)
    table = decode_parquet(file.getvalue(), LIMIT)
    columns = {
        name: values_of(column) for name, column in table.columns.items() if not isinstance(column, list)
    }
    assert (rows, {"n": numbers, "t": texts}) == (table.rows, columns)


def test_a_file_without_rows_keeps_its_columns() -> None:
    """No rows are rows too."""
    table = decode_parquet(encode_parquet({"a": Array([], DataType.float32())}), LIMIT)
    assert (0, {"a": []}) == (table.rows, dict(table.columns))


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1PAR1", b"a,b\n1,2\n", SMALL[:-1]])
def test_what_is_not_parquet_is_refused(body: bytes) -> None:
    """The message says how to tell."""
    with pytest.raises(BadRequest, match="must begin and end with PAR1"):
        decode_parquet(body, LIMIT)


def test_a_file_that_cannot_be_read_is_refused() -> None:
    """A footer of zeros has no schema."""
    with pytest.raises(BadRequest, match="not readable as Parquet"):
        decode_parquet(b"PAR1" + bytes(100) + b"\x20\0\0\0PAR1", LIMIT)


def test_two_columns_of_a_name_are_refused() -> None:
    """There would be no telling which is meant."""
    column, file = Array([1], DataType.int64()), io.BytesIO()
    write_parquet(RecordBatch.from_arrays([column, column], names=["a", "a"]), file)
    with pytest.raises(BadRequest, match="column 'a' is there twice"):
        decode_parquet(file.getvalue(), LIMIT)


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(Array.from_numpy(np.zeros(10_000_000, dtype="<i8")), id="one number, ten million times"),
        pytest.param(Array(["x" * 500_000] * 20, DataType.utf8()), id="one long text, twenty times"),
        pytest.param(Array([None] * 2_000_000, DataType.bool()), id="two million missing cells"),
    ],
)
def test_a_small_file_that_unfolds_to_a_huge_table_is_refused(column: Array) -> None:
    """What counts is what the cells take in memory, not what the file takes."""
    body = encode_parquet({"a": column})
    assert LIMIT > len(body)
    with pytest.raises(PayloadTooLarge, match=f"more than the {LIMIT} bytes"):
        decode_parquet(body, LIMIT)


def test_a_file_whose_batches_are_too_large_is_refused(tmp_path: Path) -> None:
    """What is read batch by batch has a limit for each of them."""
    path = tmp_path / "a.parquet"
    path.write_bytes(encode_parquet({"a": Array(["x" * 500_000] * 20, DataType.utf8())}))
    with pytest.raises(PayloadTooLarge, match=f"more than the {LIMIT} bytes"):
        list(decoded_batches(path, LIMIT, 60))


@given(
    changes=st.lists(st.tuples(st.integers(4, len(SMALL) - 5), st.integers(0, 255)), min_size=1, max_size=4)
)
@examples(40)
def test_a_damaged_file_is_rows_or_an_error_for_the_caller(changes: list[tuple[int, int]]) -> None:
    """Not even what makes the decoder abort its process gets further than that."""
    body = bytearray(SMALL)
    for position, value in changes:
        body[position] = value
    try:
        table = decode_parquet(bytes(body), LIMIT)
    except TriptychError:
        return
    assert {table.rows} >= {len(column) for column in table.columns.values()}
