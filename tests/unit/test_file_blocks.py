"""Blocks of records, which are what is in memory of a piece."""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from arro3.core import Table
from arro3.io import write_ipc, write_parquet
from triptych.clock import Deadline
from triptych.inference.piece import Piece
from triptych.inference.reading import read_piece
from triptych.inference.rows import row_schema
from triptych.inference.slices import Sizes
from triptych.rows.arrow import values_of
from triptych.rows.formats import Format, RowFormat
from triptych.rows.table import Column

from tests.support.file_reader import FileReader
from tests.support.local_files import sample

CSV = b"user_id\n" + b"".join(b"%d\n" % number for number in range(100, 200))
LINES = b"".join(b'{"user_id": %d}\n' % number for number in range(100, 200))


@pytest.mark.parametrize(("form", "body"), [(Format.CSV, CSV), (Format.JSON_LINES, LINES)])
def test_blocks_are_small_though_much_is_fetched_at_once(tmp_path: Path, form: Format, body: bytes) -> None:
    """However much a source gives at once, a block is hardly larger than wanted."""
    file = tmp_path / "file"
    file.write_bytes(body)
    piece = Piece(FileReader(file, len(body)), 0, len(body))
    schema = row_schema(sample("recommender"))
    read = list(read_piece(piece, RowFormat(form), schema, Sizes(block=50), Deadline.after(60)))
    ends = [0, *(block.end for block in read)]
    assert len(body) == ends[-1]
    assert max(end - start for start, end in pairwise(ends)) <= 100


def _tables() -> dict[Format, bytes]:
    """Returns ten rows in each format that is a table."""
    users = np.arange(10, dtype="i8")
    table = Table.from_pydict({"user_id": users})
    files = {form: io.BytesIO() for form in (Format.PARQUET, Format.ARROW, Format.NPY)}
    write_parquet(table, files[Format.PARQUET])
    write_ipc(table, files[Format.ARROW])
    np.save(files[Format.NPY], users)
    return {form: file.getvalue() for form, file in files.items()}


@pytest.mark.parametrize("form", [Format.PARQUET, Format.ARROW, Format.NPY])
def test_blocks_have_few_records_where_that_is_wanted(tmp_path: Path, form: Format) -> None:
    """Rows of tables come a few at a time too, each with its position."""
    file = tmp_path / "file"
    file.write_bytes(_tables()[form])
    piece = Piece(FileReader(file, 1000), 0, 10)
    schema, sizes = row_schema(sample("recommender")), Sizes(block=1000, records=4)
    read = [
        (read.block.table(), read.end)
        for read in read_piece(piece, RowFormat(form), schema, sizes, Deadline.after(60))
    ]
    rows = [(table.rows, end) for table, end in read if table.rows]
    assert [(4, 4), (4, 8), (2, 10)] == rows
    values = [int(value) for table, _ in read for value in np.asarray(table.columns["user_id"])]
    assert list(range(10)) == values


QUOTED = b"a,user_id\n" + b"".join(b'"x\n""y""",%d\r\n' % number for number in range(9))
BLANKS = b"".join(b'{"user_id": %d}\n\n' % number for number in range(9))


@pytest.mark.parametrize(("form", "body"), [(Format.CSV, QUOTED), (Format.JSON_LINES, BLANKS)])
@pytest.mark.parametrize("records", [1, 2, 4])
def test_blocks_of_text_have_few_records(tmp_path: Path, form: Format, body: bytes, records: int) -> None:
    """Records of text come a few at a time, however short they are, and not fewer than that."""
    file = tmp_path / "file"
    file.write_bytes(body)
    piece = Piece(FileReader(file, len(body)), 0, len(body))
    sizes = Sizes(block=1000, records=records)
    read = list(
        read_piece(piece, RowFormat(form), row_schema(sample("recommender")), sizes, Deadline.after(60))
    )
    tables = [found.block.table() for found in read]
    assert [str(number) for number in range(9)] == [
        str(value) for table in tables for value in _values(table.columns["user_id"])
    ]
    assert max(table.rows for table in tables) == (records if form is Format.CSV else max(1, records // 2))
    assert not body[read[-1].end :].strip()


def _values(column: Column) -> list[object]:
    return column if isinstance(column, list) else values_of(column)
