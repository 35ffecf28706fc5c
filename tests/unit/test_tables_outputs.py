"""Outputs of a model as columns of rows."""

from typing import Any

import numpy as np
import orjson
import pytest
from arro3.core import Array as ArrowArray
from arro3.core import DataType
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from triptych.errors import BadRequest
from triptych.protocol.datatypes import DATATYPES
from triptych.protocol.tensors import Tensor, TensorSpec, empty_output, from_bits, to_bits
from triptych.rows.arrow import values_of
from triptych.rows.codec import decode_rows, encode_rows
from triptych.rows.formats import Format, RowFormat
from triptych.rows.inputs import model_inputs
from triptych.rows.json_lines import encode_json_lines
from triptych.rows.outputs import csv_column, output_columns, parquet_column
from triptych.rows.schema import RowSchema

CSV = RowFormat(Format.CSV, media_type="text/csv")
LINES = RowFormat(Format.JSON_LINES, media_type="application/jsonlines")
PARQUET = RowFormat(Format.PARQUET, media_type="application/x-parquet")


def tensor(datatype: str, values: list[Any]) -> Tensor:
    """Makes a tensor of nested values."""
    return Tensor(DATATYPES[datatype], np.array(values, dtype=DATATYPES[datatype].storage))


def written(form: RowFormat, output: Tensor, labels: tuple[str, ...] = ()) -> bytes:
    """Writes the rows of one output, `y`."""
    return encode_rows(
        output_columns(TensorSpec("y", output.datatype, None), output, labels, form.format), form, {}
    )


@pytest.mark.parametrize(
    ("output", "csv", "lines"),
    [
        (tensor("FP32", [0.1, 1e-7]), b"y\n0.1\n1e-7\n", b'{"y":0.1}\n{"y":1e-7}\n'),
        (tensor("FP32", [[0.5], [2]]), b"y\n0.5\n2.0\n", b'{"y":0.5}\n{"y":2.0}\n'),
        (tensor("INT64", [-(2**63)]), b"y\n-9223372036854775808\n", b'{"y":-9223372036854775808}\n'),
        (tensor("UINT64", [2**64 - 1]), b"y\n18446744073709551615\n", b'{"y":18446744073709551615}\n'),
        (tensor("BOOL", [True, False]), b"y\ntrue\nfalse\n", b'{"y":true}\n{"y":false}\n'),
        (tensor("BYTES", ['a,"b"', "\n"]), b'y\n"a,""b"""\n"\n"\n', b'{"y":"a,\\"b\\""}\n{"y":"\\n"}\n'),
        (tensor("FP16", [0.5, 65504]), b"y\n0.5\n65504.0\n", b'{"y":0.5}\n{"y":65504.0}\n'),
        (tensor("BF16", [0x3F80, 0x3FC0]), b"y\n1.0\n1.5\n", b'{"y":1.0}\n{"y":1.5}\n'),
        (tensor("INT8", [[1, 2], [3, 4]]), b"y_0,y_1\n1,2\n3,4\n", b'{"y":[1,2]}\n{"y":[3,4]}\n'),
        (tensor("BYTES", [["a", "b"]]), b"y_0,y_1\na,b\n", b'{"y":["a","b"]}\n'),
        (
            tensor("INT8", [[[1, 2], [3, 4]]]),
            b"y_0,y_1,y_2,y_3\n1,2,3,4\n",
            b'{"y":[[1,2],[3,4]]}\n',
        ),
        (tensor("FP32", [[], []]), b'y\n""\n""\n', b'{"y":[]}\n{"y":[]}\n'),
        (
            tensor("FP64", [np.nan, np.inf, -np.inf, 0.1]),
            b"y\nNaN\ninf\n-inf\n0.1\n",
            b'{"y":null}\n{"y":"Infinity"}\n{"y":"-Infinity"}\n{"y":0.1}\n',
        ),
        (
            tensor("FP32", [[[0.1, np.inf]], [[np.nan, 2]]]),
            b"y_0,y_1\n0.1,inf\nNaN,2.0\n",
            b'{"y":[[0.1,"Infinity"]]}\n{"y":[[null,2.0]]}\n',
        ),
    ],
)
def test_an_output_is_a_column_or_a_column_per_entry(output: Tensor, csv: bytes, lines: bytes) -> None:
    """One value per row is a cell; more are a list, and in CSV a column each."""
    assert csv == written(CSV, output)
    assert lines == written(LINES, output)


def test_labels_name_the_columns_of_a_csv() -> None:
    """Only where there is one for each entry, and no two are the same."""
    output = tensor("INT8", [[1, 2]])
    assert b"y_no,y_yes\n1,2\n" == written(CSV, output, ("no", "yes"))
    assert b"y_0,y_1\n1,2\n" == written(CSV, output, ("no",))
    assert b"y_0,y_1\n1,2\n" == written(CSV, output, ("no", "no"))
    assert b'{"y":[1,2]}\n' == written(LINES, output, ("no", "yes"))


def test_no_rows_have_the_columns_that_the_signature_tells() -> None:
    """A free size takes the labels' number, else none."""
    fp32 = DATATYPES["FP32"]
    free, fixed = TensorSpec("y", fp32, (-1, -1)), TensorSpec("y", fp32, (-1, 2))
    assert b"y_a,y_b,y_c\n" == written(CSV, empty_output(free, "abc"), tuple("abc"))
    assert b"y_0,y_1\n" == written(CSV, empty_output(fixed, ()))
    assert b"y\n" == written(CSV, empty_output(free, ()))
    assert b"y\n" == written(CSV, empty_output(TensorSpec("y", fp32, None), ()))
    assert b"" == written(LINES, empty_output(fixed, ()))


JSON_CELLS = st.one_of(
    st.lists(st.text('",\\%é\0', max_size=6), min_size=1, max_size=4),
    st.lists(st.none() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)),
    st.lists(
        st.none() | st.text(max_size=3) | st.lists(st.booleans()) | st.dictionaries(st.text(), st.none())
    ),
)


@given(cells=JSON_CELLS, name=st.text('%b"a', max_size=4))
def test_json_values_are_written_as_they_are(cells: list[Any], name: str) -> None:
    """Whatever quotes, commas and percent signs stand in strings and names."""
    lines = encode_json_lines({name: cells, "z": cells}).splitlines()
    assert [{name: cell, "z": cell} for cell in cells] == [orjson.loads(line) for line in lines]


@given(values=arrays("<f4", array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=3)))
def test_arrays_are_written_as_nested_lists(values: np.ndarray[Any, Any]) -> None:
    """Of any shape, with the shortest decimals; NaN is null, infinities are text."""
    special = {"Infinity": np.inf, "-Infinity": -np.inf, None: np.nan}

    def number(cell: Any) -> Any:  # noqa: ANN401 - a number, or a list of them
        return [number(entry) for entry in cell] if isinstance(cell, list) else special.get(cell, cell)

    lines = [orjson.loads(line)["y"] for line in encode_json_lines({"y": values}).splitlines()]
    read = np.array([number(cell) for cell in lines], "<f4").reshape(values.shape)
    np.testing.assert_array_equal(values, read, strict=True)


@given(values=arrays("<f4", array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)))
def test_what_a_model_gives_it_can_take(values: np.ndarray[Any, Any]) -> None:
    """CSV and JSON answers can be sent as rows again, to the last bit but for the kind of NaN."""
    schema = RowSchema((TensorSpec("y", DATATYPES["FP32"], (-1, *values.shape[1:])),))
    for form in (CSV, LINES):
        body = written(form, Tensor(DATATYPES["FP32"], values))
        again = model_inputs(decode_rows(body, form, schema), schema).tensors["y"].values
        np.testing.assert_array_equal(again, values, strict=True)


def test_parquet_keeps_lists() -> None:
    """Nested lists of any depth come back."""
    values = [[[1.5, 2], [3, 4]], [[5, 6], [7, np.inf]]]
    body = written(PARQUET, tensor("FP32", values))
    column = decode_rows(body, PARQUET, RowSchema(())).columns["y"]
    assert not isinstance(column, list)
    assert values == values_of(column)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, 2], DataType.int64()),
        ([0.5, None], DataType.float64()),
        (["a", None], DataType.utf8()),
        ([True, None], DataType.bool()),
        ([None, None], DataType.utf8()),
    ],
)
def test_json_values_of_one_kind_keep_it(values: list[Any], kind: DataType) -> None:
    """In Parquet they are a typed column."""
    column = parquet_column(values)
    assert (values, kind) == (values_of(column), column.type)


def test_json_values_of_several_kinds_become_text() -> None:
    """What is no text yet becomes its JSON text; JSON keeps the values."""
    values = [1, "a", None, {"k": [1.5]}, True, 2**63]
    assert ["1", "a", None, '{"k":[1.5]}', "true", str(2**63)] == values_of(parquet_column(values))
    assert values == [orjson.loads(line)["y"] for line in encode_json_lines({"y": values}).splitlines()]


def test_lists_become_text_in_a_csv() -> None:
    """CSV has no lists."""
    output = tensor("INT8", [[1, 2]])
    column = output_columns(TensorSpec("y", output.datatype, None), output, (), Format.PARQUET)["y"]
    assert ["[1,2]"] == values_of(csv_column(column))


def test_what_has_no_json_text_is_refused() -> None:
    """Such as lists nested beyond what the writer takes."""
    nested = orjson.loads(b"[" * 600 + b"]" * 600)
    with pytest.raises(BadRequest, match="cannot be written as text"):
        csv_column([nested])


def test_a_column_that_a_format_cannot_hold_is_refused() -> None:
    """Columns of unequal length cannot make rows."""
    columns = {"a": ArrowArray([1], DataType.int8()), "b": ArrowArray([1, 2], DataType.int8())}
    with pytest.raises(BadRequest, match="cannot be written as CSV"):
        encode_rows(columns, CSV, {})


@given(bits=arrays("<u2", st.integers(0, 20)))
def test_bfloat16_goes_through_floats_unchanged(bits: np.ndarray[Any, Any]) -> None:
    """Every BF16 is an FP32; only NaNs lose their payload."""
    numbers = ~np.isnan(from_bits(bits))
    np.testing.assert_array_equal(to_bits(from_bits(bits))[numbers], bits[numbers])


def test_bfloat16_rounds_to_even() -> None:
    """Half way between two values, the even one is taken; NaN stays NaN."""
    values = np.array([1 + 2**-8, 1 + 3 * 2**-8, np.nan, 1e-45], dtype="<f4")
    assert [0x3F80, 0x3F82, 0x7FC0, 0] == to_bits(values).tolist()
