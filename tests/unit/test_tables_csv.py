"""CSV rows in and out."""

import csv
import io

import pytest
from arro3.core import Array, DataType
from hypothesis import given
from hypothesis import strategies as st
from triptych.errors import BadRequest, PayloadTooLarge, TriptychError
from triptych.protocol.datatypes import DATATYPES
from triptych.protocol.tensors import TensorSpec
from triptych.rows.arrow import values_of
from triptych.rows.csv import decode_csv, encode_csv
from triptych.rows.formats import Format, RowFormat
from triptych.rows.schema import RowSchema
from triptych.rows.table import MAX_COLUMNS, Table

CSV, BARE = RowFormat(Format.CSV), RowFormat(Format.CSV, header=False)
FP32 = DATATYPES["FP32"]
SCHEMA = RowSchema((TensorSpec("a", FP32, (-1,)), TensorSpec("b", FP32, (-1, 1))))
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))


def cells(table: Table) -> dict[str, list[str | None]]:
    """Returns the cells of every column."""
    return {
        name: column if isinstance(column, list) else values_of(column)
        for name, column in table.columns.items()
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a,b\n1,2\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}),
        (b"a,b\r\n1,2\r\n3,4", {"a": ["1", "3"], "b": ["2", "4"]}),
        (b"a,b\r1,2\r", {"a": ["1"], "b": ["2"]}),
        (b"\xef\xbb\xbfa,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        (b"\n\na,b\n\n1,2\n\n\n3,4\n\n", {"a": ["1", "3"], "b": ["2", "4"]}),
        (b'"a","b"\n"x\ny","say ""hi"", ok"\n', {"a": ["x\ny"], "b": ['say "hi", ok']}),
        (b'a,"b\nc"\n1,2\n', {"a": ["1"], "b\nc": ["2"]}),
        (b'a,b\n,""\n', {"a": [None], "b": [None]}),
        ("a,ü\n日本, é\n".encode(), {"a": ["日本"], "ü": [" é"]}),
        (b"a,b\n", {"a": [], "b": []}),
        (b"a", {"a": []}),
        (b"a,b\n1," + b"x" * 300_000, {"a": ["1"], "b": ["x" * 300_000]}),
    ],
)
def test_csv_is_read_as_text(body: bytes, expected: dict[str, list[str | None]]) -> None:
    """Cells stay the text that they are; empty ones are missing; blank lines do not count."""
    assert expected == cells(decode_csv(body, SCHEMA, CSV))


def test_a_csv_may_be_wide() -> None:
    """Thousands of columns are read."""
    names = [f"c{index}" for index in range(MAX_COLUMNS)]
    body = (",".join(names) + "\n" + ",".join("1" for _ in names)).encode()
    table = decode_csv(body, SCHEMA, CSV)
    assert (names, 1) == (list(table.columns), table.rows)


def test_rows_without_names_take_those_of_the_model() -> None:
    """With header=absent the first line is a row, and the model's inputs name the columns."""
    assert {"a": ["1", "3"], "b": ["2", "4"]} == cells(decode_csv(b"1,2\n3,4\n", SCHEMA, BARE))


def test_a_header_without_rows() -> None:
    """A header row alone is a table of no rows."""
    table = decode_csv(b"a,b\n", SCHEMA, CSV)
    assert (0, ["a", "b"]) == (table.rows, list(table.columns))


@pytest.mark.parametrize(
    ("body", "header", "message"),
    [
        (b"", True, "the input is empty"),
        (b"\xef\xbb\xbf\n\n", True, "the input is empty"),
        (b"", False, "the input is empty"),
        (b"\r\n", False, "the input is empty"),
        (b"a,b,a\n1,2,3\n", True, "column 'a' is there twice"),
        (b"a,b\n1,2\n\n3\n", True, "row 2: expected 2 cells, got 1"),
        (b'a,b\n"1\n\n",2\n3,4,5\n', True, "row 2: expected 2 cells, got 3"),
        (b"1,2\n3\n", False, "row 2: expected 2 cells, got 1"),
        (b"1,2,3\n", False, r"row 1: .* 2 \('a', 'b'\), got 3"),
        (b"a,b\n1,\xff\n", True, "not UTF-8: byte 6"),
        (b"\xff,b\n1,2\n", True, "not UTF-8: byte 0"),
    ],
)
def test_a_csv_that_cannot_be_read_is_refused_with_the_place(
    body: bytes, message: str, *, header: bool
) -> None:
    """The message says which row, which column or which byte."""
    with pytest.raises(BadRequest, match=message):
        decode_csv(body, SCHEMA, CSV._replace(header=header))


@pytest.mark.parametrize(
    "row",
    [
        b"," * MAX_COLUMNS,
        b"\n\r\n" + b"," * MAX_COLUMNS,
        b'"\n",' + b"," * MAX_COLUMNS,  # the row goes on behind a newline in quotes
        b'x",' + b"," * MAX_COLUMNS + b'"',  # a quote inside a cell is a character
        b'"" y",' + b"," * MAX_COLUMNS + b'"',
        b"," * 4_000_000,
    ],
)
@pytest.mark.parametrize("header", [True, False])
def test_too_many_columns_are_refused_before_they_are_made(row: bytes, *, header: bool) -> None:
    """Every cell of the first row costs hundreds of bytes: they are counted first, as the reader would."""
    with pytest.raises(PayloadTooLarge, match="more columns than the 16384"):
        decode_csv(row, SCHEMA, CSV._replace(header=header))


def test_commas_in_quotes_are_not_columns() -> None:
    """A long text with many commas is one cell."""
    text = "," * (MAX_COLUMNS + 1)
    table = decode_csv(f'a,b\n"{text}",1\n'.encode(), SCHEMA, CSV)
    assert {"a": [text], "b": ["1"]} == cells(table)
    assert {"a": [text], "b": ["1"]} == cells(decode_csv(f'"{text}",1\n'.encode(), SCHEMA, BARE))


@given(body=st.binary() | st.text('a,b"\r\n1 ').map(str.encode), header=st.booleans())
def test_any_bytes_are_rows_or_an_error_for_the_caller(body: bytes, *, header: bool) -> None:
    """Nothing but the errors that the caller is told comes out."""
    try:
        table = decode_csv(body, SCHEMA, CSV._replace(header=header))
    except TriptychError:
        return
    assert {table.rows} >= {len(column) for column in table.columns.values()}


@given(rows=st.lists(st.tuples(TEXT, TEXT)), crlf=st.booleans())
def test_what_a_csv_writer_writes_is_what_is_read(rows: list[tuple[str, str]], *, crlf: bool) -> None:
    """Any text goes through the standard library's writer and this reader unchanged."""
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n" if crlf else "\n", quoting=csv.QUOTE_ALL).writerows(
        [("a", "b"), *rows]
    )
    expected = {"a": [a or None for a, _ in rows], "b": [b or None for _, b in rows]}
    assert expected == cells(decode_csv(file.getvalue().encode(), SCHEMA, CSV))


@given(rows=st.lists(TEXT | st.none(), min_size=1), header=st.booleans())
def test_what_is_written_is_what_is_read(rows: list[str | None], *, header: bool) -> None:
    """Even a single column of missing cells comes back row by row."""
    schema = RowSchema(SCHEMA.inputs[:1])
    form = CSV._replace(header=header)
    body = encode_csv({"a": Array(rows, DataType.utf8())}, form)
    assert [row or None for row in rows] == cells(decode_csv(body, schema, form)).get("a", [])
