"""Text cut at the ends of records."""

import csv
import io
from collections.abc import Callable
from itertools import batched

import pytest
from arro3.core import DataType, Field, Schema
from arro3.io import read_csv
from hypothesis import given
from hypothesis import strategies as st
from triptych.errors import PayloadTooLarge
from triptych.rows import records
from triptych.rows.records import CsvRecords, chunks, end_of_lines

from tests.support.properties import examples

CELLS = st.text('a",\r\n', max_size=12).map(str.encode)

end_of_csv, first_of_csv = CsvRecords().end, CsvRecords().first


def rows_of(text: bytes) -> list[object]:
    """Reads CSV of one column as Arrow does, taking commas for text."""
    schema = Schema([Field("a", DataType.utf8())])
    reader = read_csv(text, schema, has_header=False, delimiter=";")
    return [value for batch in reader for value in batch.columns[0].to_pylist()]


def rows_of_cells(text: bytes) -> list[list[str]]:
    """Reads CSV with semicolons as Python does, blank lines left out."""
    return [row for row in csv.reader(io.StringIO(text.decode(), newline=""), delimiter=";") if row]


@examples(500)
@given(st.lists(st.text('a"\r\n', max_size=8).map(str.encode), max_size=12), st.integers(1, 20))
def test_chunks_of_csv_have_the_records_of_the_whole(parts: list[bytes], size: int) -> None:
    """Wherever quotes stand, and of whatever blocks the text comes, no record is cut."""
    text = b"".join(parts)
    cut = list(chunks(parts, end_of_csv, size))
    assert text == b"".join(cut)
    assert rows_of(text) == [row for chunk in cut for row in rows_of(chunk)]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (b"a,b\nc", 4),
        (b"a\r\nb\r\nc", 6),
        (b"a\rb", 2),
        (b'"a\nb', 0),
        (b'x\n"a\nb"\n"c\n', 8),
        (b'5" disk\n"a\nb', 8),
        (b'"a""\n"\nb', 7),
        (b"", 0),
    ],
)
def test_end_of_csv(text: bytes, end: int) -> None:
    """Newlines in quoted cells end no record; quotes within a cell open none."""
    assert end == end_of_csv(text)


@examples(300)
@given(st.lists(st.text('a";\r\n', max_size=8).map(str.encode), max_size=12))
def test_split(parts: list[bytes]) -> None:
    """Text is the sum of its records, and each of them is one row."""
    text = b"".join(parts)
    split = CsvRecords(b";").split(text)
    assert text.strip(b"\r\n") == b"".join(split).strip(b"\r\n")
    assert rows_of_cells(text) == [row for record in split for row in rows_of_cells(record)]


def test_first_record() -> None:
    """The first record comes with blank lines before it and its newline, quoted ones included."""
    assert b'\n"a\nb",c\r\n' == first_of_csv(b'\n"a\nb",c\r\nd,e\n')


@pytest.mark.parametrize("cut", [end_of_csv, end_of_lines])
def test_text_without_final_newline(cut: Callable[[bytes], int]) -> None:
    """What follows the last newline is a record too."""
    blocks = [bytes(block) for block in batched(b"1\n2\n3", 2, strict=False)]
    assert [b"1\n", b"2\n", b"3"] == list(chunks(blocks, cut, 2))


def test_record_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quote that is left open does not take all the memory; the message says where in the file it is."""
    monkeypatch.setattr(records, "MAX_RECORD", 100)
    read = chunks([b"a\nb\n", b'"', *[b"a\n"] * 100], end_of_csv, 2, 1000)
    assert [b"a\n", b"b\n"] == [next(read), next(read)]
    with pytest.raises(PayloadTooLarge) as failure:
        next(read)
    assert "the record that begins at byte 1004 has more than 100 bytes; is a quote left open?" == str(
        failure.value
    )
