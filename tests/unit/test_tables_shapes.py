"""Columns and lists of rows as inputs of any shape."""

from typing import Any

import orjson
import pytest
from arro3.core import Array as ArrowArray
from arro3.core import DataType, Field, fixed_size_list_array, list_array
from triptych.errors import BadRequest, PayloadTooLarge
from triptych.protocol.datatypes import DATATYPES
from triptych.protocol.tensors import TensorSpec
from triptych.rows import table as table_module
from triptych.rows.inputs import model_inputs
from triptych.rows.schema import RowSchema
from triptych.rows.table import Table

from tests.support.row_inputs import CSV, LINES, inputs_of, spec

IMAGE = spec("image", "FP32", -1, 2, 2)


@pytest.mark.parametrize(
    ("schema", "header"),
    [
        pytest.param(RowSchema((IMAGE,)), "p,q,r,s", id="in the order of the file"),
        pytest.param(RowSchema((IMAGE,)), "image_0,image_1,image_2,image_3", id="by number"),
        pytest.param(RowSchema((IMAGE,), columns=("image",)), "p,q,r,s", id="the model names its input"),
        pytest.param(RowSchema((IMAGE,), columns=tuple("abcd")), "a,b,c,d", id="by the model's names"),
        pytest.param(RowSchema((spec("image", "FP32", -1, 2, -1),)), "p,q,r,s", id="of free size"),
    ],
)
def test_columns_of_numbers_fill_an_input_row_major(schema: RowSchema, header: str) -> None:
    """A CSV has a column per entry."""
    body = f"{header}\n1,2,3,4\n5,6,7,8\n".encode()
    expected = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]
    assert expected == inputs_of(body, CSV, schema)["image"].tolist()


def test_columns_with_names_may_stand_anywhere() -> None:
    """Other columns, and another order, do not matter."""
    body = b"id,image_3,image_2,image_1,image_0\n9,4,3,2,1\n"
    assert [[[1.0, 2.0], [3.0, 4.0]]] == inputs_of(body, CSV, RowSchema((IMAGE,)))["image"].tolist()


def test_an_input_of_numbers_stands_beside_another() -> None:
    """With several inputs, numbered columns fill the one that has entries."""
    schema = RowSchema((spec("user", "INT64", -1), spec("v", "FP64", -1, -1)))
    inputs = inputs_of(b"v_0,user,v_1\n1,7,2\n", CSV, schema)
    assert {"user": [7], "v": [[1.0, 2.0]]} == {name: array.tolist() for name, array in inputs.items()}


@pytest.mark.parametrize("cell", [[[1, 2], [3, 4]], [1, 2, 3, 4]])
def test_a_cell_may_hold_a_whole_input(cell: list[Any]) -> None:
    """JSON and Parquet have lists: nested, or flat and row-major."""
    lines = orjson.dumps({"image": cell})
    assert [[[1.0, 2.0], [3.0, 4.0]]] == inputs_of(lines, LINES, RowSchema((IMAGE,)))["image"].tolist()


LIST = list_array(ArrowArray([0, 2, 4], DataType.int32()), ArrowArray([1, 2, 3, 4], DataType.int16()))
RAGGED = list_array(ArrowArray([0, 1, 4], DataType.int32()), ArrowArray([1, 2, 3, 4], DataType.int16()))
HOLES = list_array(ArrowArray([0, 2, 4], DataType.int32()), ArrowArray([1, None, 3, 4], DataType.int16()))
WORDS = list_array(ArrowArray([0, 1, 2], DataType.int32()), ArrowArray(["a", "b"], DataType.utf8()))
LARGE = DataType.large_list(Field("item", DataType.float64()))


@pytest.mark.parametrize(
    ("column", "datatype", "expected"),
    [
        (LIST, "FP32", [[1, 2], [3, 4]]),
        (LIST.cast(LARGE), "INT8", [[1, 2], [3, 4]]),
        (fixed_size_list_array(ArrowArray([1, 2, 3, 4], DataType.float32()), 2), "FP64", [[1, 2], [3, 4]]),
        (fixed_size_list_array(LIST, 2), "INT64", [[[1, 2], [3, 4]]]),
        (HOLES, "FP32", [[1, -9], [3, 4]]),
        (WORDS, "BYTES", [["a"], ["b"]]),
    ],
)
def test_lists_of_any_kind_are_read(column: ArrowArray, datatype: str, expected: list[Any]) -> None:
    """A missing number in a list takes the model's value too."""
    schema = RowSchema((TensorSpec("x", DATATYPES[datatype], None),), missing={"x": -9})
    table = Table({"x": column}, len(column))
    assert expected == model_inputs(table, schema).tensors["x"].values.tolist()


def test_lists_of_unequal_length_are_refused() -> None:
    """Rows must have the same shape."""
    schema = RowSchema((spec("x", "FP32", -1, -1),))
    with pytest.raises(
        BadRequest, match="row 2, column 'x': expected an array of 1 as elsewhere, got an array of 3"
    ):
        model_inputs(Table({"x": RAGGED}, 2), schema)


def test_a_model_that_takes_any_columns_does_not_take_a_sparse_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that each have keys of their own make a table far larger than they are."""
    monkeypatch.setattr(table_module, "MAX_CELLS", 100)
    lines = b"\n".join(orjson.dumps({f"k{index}": 1}) for index in range(20))
    with pytest.raises(PayloadTooLarge, match="20 columns of 20 rows"):
        inputs_of(lines, LINES, RowSchema((spec("x", "FP32", -1, -1),)))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([[[1, 2], [3, 4]], [[1, 2], [3]]], "row 2, column 'image': expected an array of 2 as elsewhere"),
        ([[[1, 2], [3, 4]], None], "row 2, column 'image': expected an array of 2 as elsewhere, got null"),
        ([[[1, 2], [3, "4"]]], "row 1, column 'image': expected a number, got '4'"),
        ([[[1, 2], [3, 4]], [[1, 2], [3, True]]], "row 2, column 'image': expected a number, got true"),
        ([[1, 2, 3]], "input 'image': expected shape"),
        ([1.5], "input 'image': expected shape"),
        ([orjson.loads(b"[" * 70 + b"]" * 70)], "column 'image': arrays nested more than 32 deep"),
    ],
)
def test_a_cell_of_another_shape_is_refused(cells: list[Any], message: str) -> None:
    """Rows must have the same shape, that of the input."""
    lines = b"\n".join(orjson.dumps({"image": cell}) for cell in cells)
    with pytest.raises(BadRequest, match=message):
        inputs_of(lines, LINES, RowSchema((IMAGE,)))


@pytest.mark.parametrize(
    ("schema", "body", "message"),
    [
        (RowSchema((spec("a", "FP32", -1),)), b"A,b\n1,2\n", "missing column 'a'; the rows have 'A', 'b'"),
        (RowSchema((IMAGE,)), b"p,q,r\n1,2,3\n", "missing column 'image_0'; the rows have 'p', 'q', 'r'"),
        (RowSchema((IMAGE,)), b"image_0,image_1,image_2\n1,2,3\n", "missing column 'image_3'"),
        (RowSchema((IMAGE,), columns=tuple("abcd")), b"a,b,c,e\n1,2,3,4\n", "missing column 'd'"),
        (RowSchema((spec("a", "FP32", -1),)), b"b\n", "missing column 'a'; the rows have 'b'"),
    ],
)
def test_a_missing_column_is_refused_with_those_that_are_there(
    schema: RowSchema, body: bytes, message: str
) -> None:
    """The message helps to find the typing error."""
    with pytest.raises(BadRequest, match=message):
        inputs_of(body, CSV, schema)


def test_a_column_that_no_row_has_is_missing_even_where_cells_may_be() -> None:
    """A name that is typed wrong must not turn into the value of a missing cell."""
    schema = RowSchema((spec("a", "INT64", -1), spec("b", "INT64", -1)), missing={"b": 5})
    with pytest.raises(BadRequest, match="missing column 'b'; the rows have 'a', 'B'"):
        inputs_of(b'{"a": 1, "B": 2}', LINES, schema)
    assert [2, 5] == inputs_of(b'{"a": 1, "b": 2}\n{"a": 1}', LINES, schema)["b"].tolist()


def test_no_rows_make_empty_inputs() -> None:
    """Their shapes are those of the model, free sizes 0."""
    schema = RowSchema((IMAGE, spec("x", "BYTES", -1, -1)))
    inputs = model_inputs(Table({}, 0), schema).tensors
    assert [(0, 2, 2), (0, 0)] == [tensor.shape for tensor in inputs.values()]
