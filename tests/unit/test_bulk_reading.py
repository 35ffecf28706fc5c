"""Blocks of records, which are what is in memory of a piece."""

from itertools import pairwise
from pathlib import Path

import pytest
from triptych.batches.form import FileForm, FileFormat
from triptych.bulk.piece import Piece
from triptych.bulk.reading import blocks
from triptych.interfaces.deadline import Deadline
from triptych.serving.rows import row_schema

from tests.support.objects import FileReader
from tests.support.spooled import sample

CSV = b"user_id\n" + b"".join(b"%d\n" % number for number in range(100, 200))
LINES = b"".join(b'{"user_id": %d}\n' % number for number in range(100, 200))


@pytest.mark.parametrize(("form", "body"), [(FileFormat.CSV, CSV), (FileFormat.JSON_LINES, LINES)])
def test_blocks_are_small_though_much_is_fetched_at_once(
    tmp_path: Path, form: FileFormat, body: bytes
) -> None:
    """However much a source gives at once, a block is hardly larger than wanted."""
    file = tmp_path / "file"
    file.write_bytes(body)
    piece = Piece(FileReader(file, len(body)), FileForm(form), 0, len(body))
    read = list(blocks(piece, row_schema(sample("recommender")), 50, Deadline.after(60)))
    ends = [0, *(block.end for block in read)]
    assert len(body) == ends[-1]
    assert max(end - start for start, end in pairwise(ends)) <= 100
