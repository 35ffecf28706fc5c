"""Cells of rows as values of a datatype, in every format."""

import csv
import io
import math
import re
from typing import Any

import numpy as np
import orjson
import pytest
from arro3.core import Array as ArrowArray
from arro3.core import DataType
from hypothesis import given
from hypothesis import strategies as st
from triptych.errors import BadRequest
from triptych.rows.formats import Format, RowFormat
from triptych.rows.inputs import model_inputs
from triptych.rows.parquet import encode_parquet
from triptych.rows.schema import RowSchema
from triptych.rows.table import Table

from tests.support.row_inputs import CSV, LINES, PARQUET, inputs_of, spec


def column_of(cells: str, datatype: str) -> list[Any]:
    """Reads one column of CSV."""
    schema = RowSchema((spec("x", datatype, -1),))
    body = "x,y\n" + "".join(f"{cell},\n" for cell in cells.split("|"))
    return list(inputs_of(body.encode(), CSV, schema)["x"].tolist())


@pytest.mark.parametrize(
    ("cells", "datatype", "expected"),
    [
        ("1|-2.5| 3e2 |.5|7.|+1", "FP32", [1.0, -2.5, 300.0, 0.5, 7.0, 1.0]),
        ("inf|-Infinity|0", "FP64", [math.inf, -math.inf, 0.0]),
        ("0.1|65504", "FP16", [float(np.float16(0.1)), 65504.0]),
        ("1|-2|0.1", "BF16", [0x3F80, 0xC000, 0x3DCD]),
        ("1|-2| 3 |4.0|+5|6e2", "INT64", [1, -2, 3, 4, 5, 600]),
        ("255|0", "UINT8", [255, 0]),
        ("18446744073709551615", "UINT64", [2**64 - 1]),
        ("9223372036854775807| 1", "INT64", [2**63 - 1, 1]),
        ("true|FALSE|1|0| True ", "BOOL", [True, False, True, False, True]),
        ("a| b |NA|1|nan", "BYTES", ["a", " b ", "NA", "1", "nan"]),
        ("a||b", "BYTES", ["a", "", "b"]),
    ],
)
def test_text_is_read_as_the_datatype_of_its_input(cells: str, datatype: str, expected: list[Any]) -> None:
    """Spaces around numbers and booleans do not count; strings stay as they are."""
    assert expected == column_of(cells, datatype)


@pytest.mark.parametrize("cells", ["", "NA", " ", "nan", "NaN"])
def test_a_missing_float_is_nan(cells: str) -> None:
    """An empty cell, NA and NaN all become NaN."""
    assert [True, False] == np.isnan(column_of(f"{cells}|1", "FP32")).tolist()


@pytest.mark.parametrize(
    ("cells", "datatype", "message"),
    [
        ("1|abc", "FP32", "row 2, column 'x': expected a number, got 'abc'"),
        (
            "1|1e39",
            "FP32",
            "row 2, column 'x': expected a number from -3.40282e[+]38 to 3.40282e[+]38, got 1e",
        ),
        ("1||1e400", "FP64", "row 3, column 'x': expected a number, got '1e400'"),
        ("70000", "FP16", "row 1, column 'x': expected a number from -65504 to 65504, got 70000"),
        ("1_000", "FP64", "row 1, column 'x': expected a number, got '1_000'"),
        ("0x10", "INT32", "row 1, column 'x': expected a whole number, got '0x10'"),
        ("1|2.5", "INT64", "row 2, column 'x': expected a whole number, got '2.5'"),
        ("nan", "INT64", "row 1, column 'x': expected a whole number, got 'nan'"),
        ("1|2|128", "INT8", "row 3, column 'x': expected a whole number from -128 to 127, got 128"),
        ("-1", "UINT64", "row 1, column 'x': expected a whole number from 0 to 18446744073709551615, got -1"),
        ("1||3", "INT64", "row 2, column 'x': the cell is missing; send a whole number, or set"),
        ("1|NA", "BOOL", "row 2, column 'x': the cell is missing; send true or false, or set"),
        ("yes", "BOOL", "row 1, column 'x': expected true or false, got 'yes'"),
        ("x" * 100, "FP32", f"row 1, column 'x': expected a number, got '{'x' * 40}...'"),
    ],
)
def test_text_that_cannot_be_read_is_refused_with_its_place(cells: str, datatype: str, message: str) -> None:
    """The message names row, column, what was expected and what came."""
    with pytest.raises(BadRequest, match="^" + message.replace(".", r"\.")):
        column_of(cells, datatype)


@pytest.mark.parametrize(
    ("values", "datatype", "expected"),
    [
        ([1, 2.5, "-Infinity"], "FP32", [1.0, 2.5, -math.inf]),
        ([1, 2.0], "INT8", [1, 2]),
        ([2**64 - 1], "UINT64", [2**64 - 1]),
        ([True, False], "BOOL", [True, False]),
        (["a", None], "BYTES", ["a", ""]),
        ([1, 1.5], "BF16", [0x3F80, 0x3FC0]),
    ],
)
def test_json_values_are_read_as_the_datatype_of_their_input(
    values: list[Any], datatype: str, expected: list[Any]
) -> None:
    """Numbers are numbers, strings are strings; whole floats are integers."""
    body = b"\n".join(orjson.dumps({"x": value}) for value in values)
    assert expected == inputs_of(body, LINES, RowSchema((spec("x", datatype, -1),)))["x"].tolist()


@pytest.mark.parametrize(
    ("values", "datatype", "message"),
    [
        ([1, "2"], "FP32", "row 2, column 'x': expected a number, got '2'"),
        ([1, True], "FP32", "row 2, column 'x': expected a number, got true"),
        ([1, True], "INT64", "row 2, column 'x': expected a whole number, got true"),
        ([1, 2.5], "INT64", "row 2, column 'x': expected a whole number, got 2.5"),
        (
            [1, 1e300],
            "INT64",
            "row 2, column 'x': expected a whole number from -9223372036854775808 to 9223372036854775807",
        ),
        ([0, 256], "UINT8", "row 2, column 'x': expected a whole number from 0 to 255, got 256"),
        (
            [1e39],
            "FP32",
            "row 1, column 'x': expected a number from -3.40282e[+]38 to 3.40282e[+]38, got 1e[+]39",
        ),
        ([True, 1], "BOOL", "row 2, column 'x': expected true or false, got 1"),
        (["a", 1], "BYTES", "row 2, column 'x': expected text, got 1"),
        (["a", {}], "BYTES", "row 2, column 'x': expected text, got an object"),
        ([1, None], "INT64", "row 2, column 'x': the cell is missing"),
        ([1, [2]], "FP32", "row 1, column 'x': expected an array of 1 as elsewhere, got 1"),
    ],
)
def test_a_json_value_of_another_type_is_refused_with_its_place(
    values: list[Any], datatype: str, message: str
) -> None:
    """Nothing is converted that JSON tells apart."""
    body = b"\n".join(orjson.dumps({"x": value}) for value in values)
    with pytest.raises(BadRequest, match="^" + message):
        inputs_of(body, LINES, RowSchema((spec("x", datatype, -1),)))


@pytest.mark.parametrize(
    ("column", "datatype", "expected"),
    [
        (ArrowArray([1, 2], DataType.int16()), "FP32", [1.0, 2.0]),
        (ArrowArray([1, 2], DataType.int64()), "INT8", [1, 2]),
        (ArrowArray([1, 2], DataType.int8()), "INT64", [1, 2]),
        (ArrowArray([1.0, 2.0], DataType.float64()), "INT32", [1, 2]),
        (ArrowArray([True, False], DataType.bool()), "BOOL", [True, False]),
        (ArrowArray(["7", None], DataType.utf8()).cast(DataType.large_utf8()), "BYTES", ["7", ""]),
        (ArrowArray(["7", "8"], DataType.utf8()), "INT64", [7, 8]),
        (ArrowArray([b"7"], DataType.binary()), "BYTES", ["7"]),
        (ArrowArray(["1.25"], DataType.utf8()).cast(DataType.decimal128(5, 2)), "FP32", [1.25]),
        (
            ArrowArray(["b", "a", "b"], DataType.utf8()).cast(
                DataType.dictionary(DataType.int32(), DataType.utf8())
            ),
            "BYTES",
            ["b", "a", "b"],
        ),
    ],
)
def test_typed_columns_are_read_as_the_datatype_of_their_input(
    column: ArrowArray, datatype: str, expected: list[Any]
) -> None:
    """Any width of number, and any kind of text, will do; text is parsed as in CSV."""
    schema = RowSchema((spec("x", datatype, -1),))
    assert expected == inputs_of(encode_parquet({"x": column}), PARQUET, schema)["x"].tolist()


@pytest.mark.parametrize(
    ("column", "datatype", "message"),
    [
        (
            ArrowArray([1.0, 2.5], DataType.float64()),
            "INT64",
            "row 2, column 'x': expected a whole number, got 2.5",
        ),
        (
            ArrowArray([1, 300], DataType.int64()),
            "INT8",
            "row 2, column 'x': expected a whole number from -128 to 127, got 300",
        ),
        (
            ArrowArray([0.0, 1e39], DataType.float64()),
            "FP32",
            "row 2, column 'x': expected a number from -3.40282e[+]38 to 3.40282e[+]38, got 1e",
        ),
        (ArrowArray([1], DataType.int64()), "BYTES", "row 1, column 'x': expected text, got 1"),
        (ArrowArray([1], DataType.int64()), "BOOL", "row 1, column 'x': expected true or false, got 1"),
        (ArrowArray([b"\xff"], DataType.binary()), "BYTES", "column 'x': a cell is not UTF-8 text"),
        (
            ArrowArray(["2020-01-01"], DataType.utf8()).cast(DataType.date32()),
            "FP32",
            "row 1, column 'x': expected a number, got a date",
        ),
    ],
)
def test_a_typed_column_of_another_type_is_refused(column: ArrowArray, datatype: str, message: str) -> None:
    """The first cell that does not fit is named."""
    schema = RowSchema((spec("x", datatype, -1),))
    with pytest.raises(BadRequest, match="^" + message):
        inputs_of(encode_parquet({"x": column}), PARQUET, schema)


@pytest.mark.parametrize("form", [CSV, LINES, PARQUET])
def test_a_missing_cell_takes_the_value_that_the_model_gives_it(form: RowFormat) -> None:
    """`missing` of the model goes before NaN and the empty string."""
    schema = RowSchema(
        (spec("f", "FP32", -1), spec("i", "INT64", -1, 1), spec("b", "BOOL", -1), spec("s", "BYTES", -1)),
        missing={"f": -1, "i": 2008, "b": True, "s": "?"},
    )
    bodies = {
        Format.CSV: b"f,i,b,s\n,,,\n",
        Format.JSON_LINES: b'{"f": null, "i": null, "b": null, "s": null}\n',
        Format.PARQUET: encode_parquet(
            {
                "f": ArrowArray([None], DataType.float64()),
                "i": ArrowArray([None], DataType.int32()),
                "b": ArrowArray([None], DataType.bool()),
                "s": ArrowArray([None], DataType.utf8()),
            }
        ),
    }
    values = {name: array.tolist() for name, array in inputs_of(bodies[form.format], form, schema).items()}
    assert {"f": [-1.0], "i": [[2008]], "b": [True], "s": ["?"]} == values


FLOATS = st.floats(width=32, allow_nan=False)
ROWS = st.lists(
    st.tuples(
        st.none() | FLOATS,
        st.integers(-(2**63), 2**63 - 1),
        st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        st.booleans(),
        st.lists(st.none() | FLOATS, min_size=2, max_size=2),
    ),
    min_size=1,
)
MIXED = RowSchema(
    (
        spec("f", "FP32", -1, 1),
        spec("i", "INT64", -1),
        spec("s", "BYTES", -1),
        spec("b", "BOOL", -1),
        spec("v", "FP64", -1, 2),
    )
)


def _json(value: Any) -> Any:  # noqa: ANN401 - any JSON
    return (
        {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, value)
        if isinstance(value, float)
        else value
    )


def _csv(rows: list[Any]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["v_1", "f", "i", "s", "b", "v_0"])
    writer.writerows((v[1], f, i, s, str(b).lower(), v[0]) for f, i, s, b, v in rows)
    return file.getvalue().encode()


def _lines(rows: list[Any]) -> bytes:
    named = ({"b": b, "s": s, "i": i, "f": _json(f), "v": [_json(e) for e in v]} for f, i, s, b, v in rows)
    return b"\n".join(map(orjson.dumps, named))


@given(rows=ROWS)
def test_the_same_rows_give_the_same_inputs_in_any_format(rows: list[Any]) -> None:
    """CSV, JSON Lines, JSON arrays and typed columns differ in nothing that reaches the model."""
    arrays = orjson.dumps({"instances": [[*map(_json, row[:4]), [*map(_json, row[4])]] for row in rows]})
    typed = Table(
        {
            "f": ArrowArray([row[0] for row in rows], DataType.float64()),
            "i": ArrowArray([row[1] for row in rows], DataType.int64()),
            "s": ArrowArray([row[2] for row in rows], DataType.utf8()),
            "b": ArrowArray([row[3] for row in rows], DataType.bool()),
            "v": [row[4] for row in rows],
        },
        len(rows),
    )
    from_csv = inputs_of(_csv(rows), CSV, MIXED)
    for other in (
        inputs_of(_lines(rows), LINES, MIXED),
        inputs_of(arrays, RowFormat(Format.JSON, media_type="application/json"), MIXED),
        {name: tensor.values for name, tensor in model_inputs(typed, MIXED).tensors.items()},
    ):
        for name, values in from_csv.items():
            np.testing.assert_array_equal(other[name], values, strict=True)


@pytest.mark.parametrize(
    ("datatype", "expected"),
    [
        ("FP32", [[1, 2.5], [3, -1]]),
        ("FP16", [[1, 2.5], [3, -1]]),
        ("BF16", [[0x3F80, 0x4020], [0x4040, 0xBF80]]),
    ],
)
def test_several_columns_of_json_are_one_input(datatype: str, expected: list[list[float]]) -> None:
    """Each name keeps its place in the input, whatever the order in a record."""
    schema = RowSchema((spec("x", datatype, -1, 2),), ("a", "b"))
    rows = b'{"a": 1, "b": 2.5}\n{"b": -1, "a": 3}'
    assert expected == inputs_of(rows, LINES, schema)["x"].tolist()


@pytest.mark.parametrize(
    ("datatype", "cell", "expected"),
    [
        ("FP32", b"1e39", "a number from -3.40282e+38 to 3.40282e+38, got 1e+39"),
        ("FP32", b'"2"', "a number, got '2'"),
        ("INT8", b"1.5", "a whole number, got 1.5"),
        ("INT8", b"128", "a whole number from -128 to 127, got 128"),
    ],
)
def test_a_wrong_cell_among_columns_of_json(datatype: str, cell: bytes, expected: str) -> None:
    """The error names row and column, also where all columns are one input."""
    schema = RowSchema((spec("x", datatype, -1, 2),), ("a", "b"))
    with pytest.raises(BadRequest, match=re.escape(f"row 2, column 'b': expected {expected}")):
        inputs_of(b'{"a": 1, "b": 2}\n{"a": 3, "b": ' + cell + b"}", LINES, schema)
