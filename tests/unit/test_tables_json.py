"""JSON rows in and out."""

from typing import Any

import orjson
import pytest
from arro3.core import Array, DataType
from hypothesis import given
from hypothesis import strategies as st
from triptych.errors import BadRequest, PayloadTooLarge, TriptychError
from triptych.protocol.datatypes import DATATYPES
from triptych.protocol.json_document import MAX_JSON
from triptych.protocol.tensors import TensorSpec
from triptych.rows.json_lines import (
    MAX_ROWS,
    decode_instances,
    decode_json_lines,
    encode_json_lines,
    encode_predictions,
)
from triptych.rows.schema import RowSchema
from triptych.rows.table import Table

FP32 = DATATYPES["FP32"]
TWO = RowSchema((TensorSpec("a", FP32, (-1,)), TensorSpec("b", FP32, (-1, 1))))
SCALAR = RowSchema((TensorSpec("x", FP32, (-1, 1)),))
PRICED = RowSchema((TensorSpec("x", FP32, (-1, 1)),), columns=("price",))
IMAGE = RowSchema((TensorSpec("image", FP32, (-1, 2, 2)),))
FEATURES = RowSchema((TensorSpec("x", FP32, (-1, 2)),), columns=("p", "q"))
TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ROWS = st.lists(st.fixed_dictionaries({"a": JSON, 'q"\n': JSON}), min_size=1)
BODIES = JSON.map(orjson.dumps) | st.lists(JSON).map(lambda rows: orjson.dumps({"instances": rows}))


def cells(table: Table) -> dict[str, Any]:
    """Returns the cells of every column."""
    return dict(table.columns)


@pytest.mark.parametrize("body", [b"", b"\n \n", b"\xef\xbb\xbf\r\n"])
def test_no_lines(body: bytes) -> None:
    """JSON Lines without a line is empty; a list without instances is a table of no rows."""
    with pytest.raises(BadRequest, match="the input is empty"):
        decode_json_lines(body, TWO)
    assert {} == cells(decode_instances(b'{"instances": []}', TWO))


@pytest.mark.parametrize(
    ("schema", "rows", "expected"),
    [
        (TWO, [{"a": 1, "b": 2, "c": "x"}, {"b": None}], {"a": [1, None], "b": [2, None], "c": ["x", None]}),
        (TWO, [[1, 2], {"a": 3}], {"a": [1, 3], "b": [2, None]}),
        (SCALAR, [1, [2], {"x": 3}, None], {"x": [1, 2, 3, None]}),
        (PRICED, [1, [2], {"price": 3}], {"price": [1, 2, 3]}),
        (
            IMAGE,
            [[[1, 2], [3, 4]], {"image": [[5, 6], [7, 8]]}],
            {"image": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]},
        ),
        (IMAGE, [[1, 2, 3, 4]], {"image": [[1, 2, 3, 4]]}),
        (FEATURES, [[1, 2], {"q": 3}], {"p": [1, None], "q": [2, 3]}),
    ],
)
def test_a_row_is_an_object_an_array_or_a_cell(
    schema: RowSchema, rows: list[Any], expected: dict[str, Any]
) -> None:
    """What has no names takes them from the model; both JSON formats read alike."""
    lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    assert expected == cells(decode_json_lines(lines, schema))
    assert expected == cells(decode_instances(orjson.dumps({"instances": rows}), schema))


def test_blank_lines_and_a_byte_order_mark_do_not_count() -> None:
    """JSON Lines may have LF or CRLF, no last line end, and gaps."""
    body = b'\xef\xbb\xbf{"x": 1}\r\n\r\n \n{"x": 2}'
    assert {"x": [1, 2]} == cells(decode_json_lines(body, SCALAR))


def test_other_members_beside_the_instances_are_ignored() -> None:
    """TensorFlow Serving's clients send a signature name."""
    body = b'\xef\xbb\xbf{"signature_name": "serving_default", "instances": [1]}'
    assert {"x": [1]} == cells(decode_instances(body, SCALAR))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a": 1}\n\n{"a": }\n', "row 2 is not valid JSON"),
        (b'{"a": 1} {"a": 2}\n', "row 1 is not valid JSON"),
        (b'{"a": NaN}\n', "row 1 is not valid JSON"),
        (b"\xff\n", "row 1 is not valid JSON"),
        (b"[" * 5000, "row 1 is not valid JSON"),
        (b"[1, 2]\n[1]\n", r"row 2: .* 2 \('a', 'b'\), got 1"),
        (b"[1, 2]\n3\n", "row 2: expected an object or an array, got 3"),
    ],
)
def test_a_line_that_is_no_row_is_refused_with_its_number(body: bytes, message: str) -> None:
    """Rows are counted from 1, blank lines left out."""
    with pytest.raises(BadRequest, match=message):
        decode_json_lines(body, TWO)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not valid JSON"),
        (b"[1]", "must be a JSON object, got an array"),
        (b"{}", "got null as 'instances'"),
        (b'{"instances": {"a": 1}}', "got an object as 'instances'"),
        (b'{"instances": ["x"]}', "row 1: expected an object or an array, got 'x'"),
    ],
)
def test_instances_that_are_none_are_refused(body: bytes, message: str) -> None:
    """The message says what was expected."""
    with pytest.raises(BadRequest, match=message):
        decode_instances(body, TWO)


def test_more_json_than_can_be_read_is_refused() -> None:
    """Small values take far more memory and time than their text: both are bounded."""
    with pytest.raises(PayloadTooLarge, match="bytes is more than"):
        decode_json_lines(b"[]\n" * (MAX_JSON // 3 + 1), SCALAR)
    with pytest.raises(PayloadTooLarge, match="1048577 rows of JSON"):
        decode_json_lines(b"1\n" * (MAX_ROWS + 1), SCALAR)
    with pytest.raises(PayloadTooLarge, match="1048577 rows of JSON"):
        decode_instances(b'{"instances":[' + b"1," * MAX_ROWS + b"1]}", SCALAR)


def test_a_single_number_cannot_be_an_image() -> None:
    """A cell alone is a row only where the model takes one number per row."""
    with pytest.raises(BadRequest, match="row 1: expected an object or an array, got 1"):
        decode_json_lines(b"1", IMAGE)


def test_rows_are_written_as_objects() -> None:
    """Arrow columns and columns of JSON values stand in the order of their names."""
    columns: dict[str, Array | list[Any]] = {
        "a": Array(["ü", None], DataType.utf8()),
        "b": [{"k": [1]}, 2],
        "c": Array([0.1, 2.0], DataType.float32()),
    }
    lines = encode_json_lines(columns)
    assert '{"a":"ü","b":{"k":[1]},"c":0.1}\n{"a":null,"b":2,"c":2.0}\n'.encode() == lines
    answer = encode_predictions(columns, {"model_name": "m"})
    rows = [orjson.loads(line) for line in lines.splitlines()]
    assert {"model_name": "m", "predictions": rows} == orjson.loads(answer)


def test_values_nested_too_deeply_to_write_are_refused() -> None:
    """The reader takes deeper nesting than the writer."""
    body = b'{"a": ' + b"[" * 600 + b"]" * 600 + b"}"
    table = decode_json_lines(body, TWO)
    with pytest.raises(BadRequest, match="cannot be written as JSON"):
        encode_json_lines({"a": table.columns["a"]})


@given(
    body=st.binary()
    | JSON.map(orjson.dumps)
    | st.lists(JSON).map(lambda rows: orjson.dumps({"instances": rows}))
)
def test_any_bytes_are_rows_or_an_error_for_the_caller(body: bytes) -> None:
    """Nothing but the errors that the caller is told comes out."""
    for decode in (decode_json_lines, decode_instances):
        for schema in (TWO, SCALAR, IMAGE, FEATURES):
            try:
                table = decode(body, schema)
            except TriptychError:
                continue
            assert {table.rows} >= {len(column) for column in table.columns.values()}


@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(["a", "b", 'q"\n']), JSON, min_size=3, max_size=3), min_size=1
    )
)
def test_any_json_comes_back_as_it_was(rows: list[dict[str, Any]]) -> None:
    """Joined columns keep their values, whatever they are."""
    table = decode_json_lines(b"\n".join(map(orjson.dumps, rows)), TWO)
    body = encode_json_lines(table.columns)
    assert rows == [orjson.loads(line) for line in body.splitlines()]
