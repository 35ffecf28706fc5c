"""Tensors as JSON values."""

import math
from typing import Any

import numpy as np
import pytest
from triptych.errors import BadRequest
from triptych.protocol.datatypes import BF16, BOOL, BYTES, DATATYPES, FP16, FP32, FP64, Datatype
from triptych.protocol.json_document import dump
from triptych.protocol.tensor_codecs import decode_json, encode_json
from triptych.protocol.tensors import Tensor

INT8, UINT8, INT64, UINT64 = (DATATYPES[name] for name in ("INT8", "UINT8", "INT64", "UINT64"))
INTEGERS = [datatype for datatype in DATATYPES.values() if datatype.kind == "int"]
FLOATS = [FP16, FP32, FP64]


def decoded(datatype: Datatype, *shape: int, data: list[Any]) -> Any:  # noqa: ANN401 - values of any type
    """Reads values into nested lists."""
    return decode_json(datatype, shape, data, "input 'x'").values.tolist()


def refusal(datatype: Datatype, *shape: int, data: list[Any]) -> str:
    """Says why values are refused."""
    with pytest.raises(BadRequest) as failure:
        decode_json(datatype, shape, data, "input 'x'")
    return str(failure.value)


def written(datatype: Datatype, values: object) -> bytes:
    """Writes values as JSON."""
    return dump(encode_json(Tensor(datatype, np.array(values, dtype=datatype.storage)), "output 'y'"))


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
@pytest.mark.parametrize("datatype", [*INTEGERS, *FLOATS])
def test_flat_or_nested(datatype: Datatype, data: list[Any]) -> None:
    """Values are row-major, flat or nested as the shape says."""
    tensor = decode_json(datatype, (2, 3), data, "x")
    assert [[1, 2, 3], [4, 5, 6]] == tensor.values.tolist()
    assert np.dtype(datatype.storage) == tensor.values.dtype


@pytest.mark.parametrize(
    ("shape", "data"), [((), [7]), ((1, 1), [7]), ((0,), []), ((0, 3), []), ((1, 0), [[]])]
)
def test_scalars_and_nothing(shape: tuple[int, ...], data: list[Any]) -> None:
    """A scalar is one value, and a shape with a 0 takes none."""
    assert shape == decode_json(FP32, shape, data, "x").shape


@pytest.mark.parametrize(
    ("shape", "data", "expected"),
    [
        ((3,), [1, 2], "input 'x': shape [3] takes 3 values, got 2"),
        ((), [1, 2], "input 'x': shape [] takes 1 values, got 2"),
        ((2, 2), [1], "input 'x': shape [2, 2] takes 4 values, got 1"),
        ((2, 1), [[1, 2]], "input 'x': 'shape' says [2, 1], but 'data' is nested as [1, 2]"),
        ((2,), [[1], [2]], "input 'x': 'shape' says [2], but 'data' is nested as [2, 1]"),
    ],
)
def test_shape_must_fit(shape: tuple[int, ...], data: list[Any], expected: str) -> None:
    """Values must fill the shape exactly, and be nested as it says if they are nested."""
    assert expected == refusal(FP32, *shape, data=data)


@pytest.mark.parametrize("datatype", [FP32, INT64, BYTES, BOOL])
@pytest.mark.parametrize("data", [[[1], [2, 3]], [[1], 2], [[[1]], [2]]])
def test_ragged(datatype: Datatype, data: list[Any]) -> None:
    """Rows of different lengths are refused, whatever they hold."""
    assert f"expected {datatype.name} values" in refusal(datatype, 3, data=data)


@pytest.mark.parametrize("datatype", [FP32, INT64, BYTES, BOOL])
def test_deep_nesting(datatype: Datatype) -> None:
    """Nesting deeper than an array can be is refused, not an internal error."""
    data: list[Any] = []
    for _ in range(1000):
        data = [data]
    assert f"expected {datatype.name} values" in refusal(datatype, 1, data=data)


@pytest.mark.parametrize("datatype", INTEGERS)
def test_integer_range(datatype: Datatype) -> None:
    """The least and the greatest integer of a datatype are read; the next ones are refused."""
    limits = np.iinfo(datatype.storage)
    assert [limits.min, limits.max] == decoded(datatype, 2, data=[int(limits.min), int(limits.max)])
    for value in (int(limits.min) - 1, int(limits.max) + 1):
        assert f"input 'x': expected {datatype.name} values" in refusal(datatype, 1, data=[value])


@pytest.mark.parametrize(
    ("value", "shown"), [(1.0, "1.0"), (True, "true"), (None, "null"), ("1", '"1"'), ({}, "{}")]
)
def test_integers_are_strict(value: object, shown: str) -> None:
    """What is no whole number in JSON is no integer; the message shows it as JSON."""
    expected = f"input 'x': expected INT8 values: only whole numbers, got {shown}"
    assert expected == refusal(INT8, 2, data=[1, value])


@pytest.mark.parametrize(("value", "shown"), [(1, "1"), ("true", '"true"'), (None, "null"), ([], "[]")])
def test_booleans_are_strict(value: object, shown: str) -> None:
    """Only true and false are booleans."""
    assert [True, False] == decoded(BOOL, 2, data=[True, False])
    expected = f"input 'x': expected BOOL values: only true or false, got {shown}"
    assert expected == refusal(BOOL, 2, data=[True, value])


@pytest.mark.parametrize(("value", "shown"), [(1, "1"), (False, "false"), (None, "null"), ([1], "[1]")])
def test_strings_are_strict(value: object, shown: str) -> None:
    """Only strings are BYTES; they may be empty, long, or hold any character."""
    texts = ["", "a\0b", "ü€😀", "x" * 10_000]
    assert texts == decoded(BYTES, 4, data=texts)
    assert f"input 'x': expected BYTES values: only strings, got {shown}" == refusal(
        BYTES, 2, data=["a", value]
    )


def test_wrong_value_is_cut() -> None:
    """The message shows the beginning of a wrong value only, cut anywhere."""
    assert len(refusal(INT8, 1, data=["ü" * 100_000])) < 120


@pytest.mark.parametrize("datatype", FLOATS)
def test_null_and_infinities_in(datatype: Datatype) -> None:
    """Null is NaN, and the infinities are spelled out."""
    nan, *others = decoded(datatype, 4, data=[None, "Infinity", "-Infinity", 1])
    assert math.isnan(nan)
    assert [math.inf, -math.inf, 1.0] == others


@pytest.mark.parametrize("datatype", FLOATS)
@pytest.mark.parametrize("value", ["", "one", {}, [1, 2]])
def test_no_number(datatype: Datatype, value: object) -> None:
    """What no number can be made of is refused."""
    assert f"input 'x': expected {datatype.name} values" in refusal(datatype, 2, data=[1, value])


def test_numbers_as_strings() -> None:
    """A number may be spelled as a string where floating point is wanted."""
    assert [1.5, -2000.0] == decoded(FP32, 2, data=["1.5", "-2e3"])


@pytest.mark.parametrize(("datatype", "value"), [(FP16, 65520), (FP16, 1e10), (FP32, 1e39)])
def test_too_large(datatype: Datatype, value: float) -> None:
    """A number beyond a datatype's range is refused: it would become infinite unseen."""
    assert f"input 'x': expected {datatype.name} values: overflow" in refusal(datatype, 1, data=[value])


@pytest.mark.parametrize(
    ("datatype", "values", "expected"),
    [
        (FP32, [[0.1, 2], [3, -4.5]], b"[0.1,2.0,3.0,-4.5]"),
        (FP32, [math.nan, 1], b"[null,1.0]"),
        (FP64, [math.inf, -math.inf, math.nan, 1], b'["Infinity","-Infinity",null,1.0]'),
        (FP16, [0.5, math.nan], b"[0.5,null]"),
        (FP16, [math.inf], b'["Infinity"]'),
        (INT8, [-128, 127], b"[-128,127]"),
        (UINT64, [2**64 - 1], b"[18446744073709551615]"),
        (BOOL, [True, False], b"[true,false]"),
        (BYTES, [["a", "ü"], ['"', ""]], '["a","ü","\\"",""]'.encode()),
        (FP32, 7, b"[7.0]"),
        (FP32, [], b"[]"),
    ],
)
def test_written(datatype: Datatype, values: object, expected: bytes) -> None:
    """Values are written flat and row-major; NaN as null, the infinities spelled out."""
    assert expected == written(datatype, values)


def test_any_memory_layout() -> None:
    """The order is row-major whatever the array's own layout is."""
    transposed = np.arange(6, dtype="<f4").reshape(2, 3).T
    assert b"[0.0,3.0,1.0,4.0,2.0,5.0]" == dump(encode_json(Tensor(FP32, transposed), "y"))


def test_bf16_has_no_json() -> None:
    """BF16 is refused in JSON, both ways, and the message says what to do."""
    assert "input 'x': BF16 has no JSON form; send it in binary" == refusal(BF16, 1, data=[1])
    with pytest.raises(BadRequest, match="output 'y': BF16 has no JSON form; ask for it with"):
        written(BF16, [16256])
