"""The inference request, read from JSON or from a JSON header with bytes behind it."""

import json
from typing import Any

import pytest
from triptych.errors import BadRequest, NotSupported
from triptych.protocol.datatypes import BYTES, DATATYPES, FP32
from triptych.protocol.infer_request import InferRequest, InputTensor, RequestedOutput, parse_infer_request

X: dict[str, Any] = {"name": "x", "datatype": "FP32", "shape": [2], "data": [1, 2]}


def raw_input(name: str, size: object, datatype: str = "UINT8", **more: object) -> dict[str, Any]:
    """An input whose values are bytes behind the header."""
    return {
        "name": name,
        "datatype": datatype,
        "shape": [1],
        "parameters": {"binary_data_size": size},
        **more,
    }


def parse(message: object, tail: bytes | None = None) -> InferRequest:
    """Reads a message, with a tail behind it or without a header's length."""
    header = json.dumps(message).encode()
    return parse_infer_request(header + (tail or b""), None if tail is None else len(header))


def refusal(message: object, tail: bytes | None = None) -> str:
    """Says why a message is refused."""
    with pytest.raises(BadRequest) as failure:
        parse(message, tail)
    return str(failure.value)


def test_json_request() -> None:
    """Inputs keep their order; outputs, id and parameters may be missing, or null."""
    optional = {"outputs": None, "id": None, "parameters": None}
    assert parse({"inputs": [X]}) == parse({"inputs": [X], **optional})
    request = parse({"inputs": [X, {**X, "name": "s", "datatype": "BYTES", "data": ["a", "b"]}]})
    x = InputTensor("x", FP32, (2,), data=[1, 2])
    s = InputTensor("s", BYTES, (2,), data=["a", "b"])
    assert InferRequest(inputs=(x, s), outputs=(), binary_output=False, id=None) == request


@pytest.mark.parametrize("datatype", DATATYPES)
def test_every_datatype(datatype: str) -> None:
    """Every datatype of the protocol is known by its name."""
    assert datatype == parse({"inputs": [{**X, "datatype": datatype}]}).inputs[0].datatype.name


@pytest.mark.parametrize("sent", ["abc", ""])
def test_id_is_kept(sent: str) -> None:
    """An id that was sent is kept, an empty one too."""
    assert sent == parse({"inputs": [], "id": sent}).id


def test_tail_is_cut_in_order() -> None:
    """Raw inputs take their bytes one after the other; JSON inputs between them take none."""
    request = parse({"inputs": [raw_input("a", 2), X, raw_input("empty", 0), raw_input("b", 3)]}, b"AABBB")
    raws = [None if tensor.raw is None else bytes(tensor.raw) for tensor in request.inputs]
    assert [b"AA", None, b"", b"BBB"] == raws
    assert [None, [1, 2], None, None] == [tensor.data for tensor in request.inputs]


def test_header_of_the_whole_body() -> None:
    """A header as long as the body is JSON alone."""
    assert parse({"inputs": [X]}) == parse({"inputs": [X]}, b"")


@pytest.mark.parametrize(
    ("inputs", "tail", "message"),
    [
        ([raw_input("a", 4)], b"abc", "input 'a': binary_data_size is 4, but only 3 bytes are left"),
        ([raw_input("a", 4)], None, "input 'a': binary_data_size is 4, but only 0 bytes are left"),
        ([raw_input("a", 2)], b"abc", "binary_data_size add up to 2, but 3 bytes follow the JSON header"),
        ([X], b"abc", "binary_data_size add up to 0, but 3 bytes follow the JSON header"),
        ([raw_input("a", 0, data=[1])], b"", "input 'a': has both 'data' and 'binary_data_size'"),
        ([raw_input("a", 0, data=[])], b"", "input 'a': has both 'data' and 'binary_data_size'"),
    ],
)
def test_sizes_must_match_the_tail(inputs: list[object], tail: bytes | None, message: str) -> None:
    """Missing and surplus bytes are refused, and values given twice."""
    assert message in refusal({"inputs": inputs}, tail)


def test_which_input_is_short() -> None:
    """The input whose bytes are missing is named, not the first one."""
    inputs = [raw_input("a", 2), raw_input("b", 2)]
    assert "input 'b': binary_data_size is 2, but only 1 bytes are left" == refusal(
        {"inputs": inputs}, b"abc"
    )


@pytest.mark.parametrize("size", [-1, 1.0, "1", True])
def test_size_must_be_a_whole_number(size: object) -> None:
    """A size is a whole number from 0 in JSON as well."""
    expected = f"input 'a': parameter 'binary_data_size' must be a whole number from 0, got {size!r}"
    assert expected == refusal({"inputs": [raw_input("a", size)]}, b"a")


@pytest.mark.parametrize("length", [1, 5])
def test_header_that_ends_inside_the_json(length: int) -> None:
    """A length that cuts the JSON is refused as what it is then: not JSON."""
    with pytest.raises(BadRequest, match="not valid JSON"):
        parse_infer_request(json.dumps({"inputs": [X]}).encode(), length)


@pytest.mark.parametrize(
    ("requested", "wide", "expected"),
    [
        ({}, None, False),
        ({}, False, False),
        ({}, True, True),
        ({"binary_data": False}, True, False),
        ({"binary_data": True}, None, True),
        ({"binary_data": True}, False, True),
    ],
)
def test_own_parameter_wins(requested: dict[str, bool], wide: bool | None, expected: bool) -> None:  # noqa: FBT001 - cases
    """An output's binary_data wins over the request's binary_data_output."""
    request = parse(
        {
            "inputs": [],
            "outputs": [{"name": "y", "parameters": requested}],
            "parameters": {} if wide is None else {"binary_data_output": wide},
        }
    )
    assert (RequestedOutput("y", binary=expected),) == request.outputs


def test_classes() -> None:
    """An output may be wanted as its best classes."""
    outputs = parse({"inputs": [], "outputs": [{"name": "y", "parameters": {"classification": 3}}]}).outputs
    assert (RequestedOutput("y", classes=3),) == outputs


def test_unknown_parameters_are_passed_over() -> None:
    """Parameters of other servers' extensions do no harm; null stands for none."""
    request = parse({"inputs": [{**X, "parameters": None}], "parameters": {"priority": 3, "sequence": "a"}})
    assert ("x",) == tuple(tensor.name for tensor in request.inputs)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ([], "the body must be a JSON object, got an array"),
        ({"inputs": "x"}, "'inputs' must be an array of objects, got a string"),
        ({"inputs": {}}, "'inputs' must be an array of objects, got an object"),
        ({"inputs": [X, 3]}, "inputs[1] must be an object, got a number"),
        ({"inputs": [X, X]}, "input 'x' is given 2 times"),
        ({"outputs": ["y"]}, "outputs[0] must be an object, got a string"),
        ({"outputs": [{}]}, "an output: 'name' must be a non-empty string, got null"),
        ({"id": 7}, "'id' must be a string, got a number"),
        ({"parameters": []}, "the request: 'parameters' must be an object, got an array"),
        ({"parameters": {"p": None}}, "parameter 'p' must be a string, number or boolean, got null"),
        ({"parameters": {"p": {}}}, "parameter 'p' must be a string, number or boolean, got an object"),
        ({"parameters": {"binary_data_output": 1}}, "'binary_data_output' must be true or false, got 1"),
    ],
)
def test_wrong_request(message: object, expected: str) -> None:
    """The message says which part is wrong, what was expected and what came."""
    assert expected in refusal(message)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"binary_data": "true"}, "parameter 'binary_data' must be true or false, got 'true'"),
        ({"binary_data": 0}, "parameter 'binary_data' must be true or false, got 0"),
        ({"classification": -1}, "parameter 'classification' must be a whole number from 0, got -1"),
        ({"classification": 1.5}, "parameter 'classification' must be a whole number from 0, got 1.5"),
        ({"classification": True}, "parameter 'classification' must be a whole number from 0, got True"),
    ],
)
def test_wrong_output(parameters: dict[str, object], expected: str) -> None:
    """A parameter of an output has the type that the protocol gives it."""
    assert f"output 'y': {expected}" == refusal({"outputs": [{"name": "y", "parameters": parameters}]})


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"name": ""}, "an input: 'name' must be a non-empty string"),
        ({"name": 3}, "an input: 'name' must be a non-empty string, got a number"),
        ({"datatype": "FLOAT"}, "input 'x': unknown datatype 'FLOAT'; expected one of BOOL, UINT8"),
        ({"datatype": ["FP32"]}, "input 'x': unknown datatype ['FP32']"),
        ({"datatype": None}, "input 'x': unknown datatype None"),
        ({"data": None}, "input 'x': 'data' must be an array, got null"),
        ({"data": 5}, "input 'x': 'data' must be an array, got a number"),
        ({"shape": None}, "input 'x': 'shape' must be an array of sizes, got null"),
        ({"shape": 2}, "input 'x': 'shape' must be an array of sizes, got a number"),
        ({"shape": [1] * 33}, "input 'x': 'shape' must hold at most 32 sizes, got 33"),
        ({"shape": [-1]}, "input 'x': 'shape' must hold whole numbers from 0, got [-1]"),
        ({"shape": [True]}, "input 'x': 'shape' must hold whole numbers from 0, got [True]"),
        ({"shape": [2.0]}, "input 'x': 'shape' must hold whole numbers from 0, got [2.0]"),
        ({"shape": ["2"]}, "input 'x': 'shape' must hold whole numbers from 0, got ['2']"),
        ({"shape": [2**31]}, "input 'x': 'shape' must hold whole numbers from 0, got [2147483648]"),
    ],
)
def test_wrong_input(changed: dict[str, object], expected: str) -> None:
    """The message names the input, unless that is what is missing."""
    assert refusal({"inputs": [{**X, **changed}]}).startswith(expected)


@pytest.mark.parametrize("role", ["inputs", "outputs"])
def test_shared_memory_is_not_supported(role: str) -> None:
    """A tensor in shared memory cannot be reached."""
    tensor = {"name": "x", "datatype": "FP32", "shape": [1], "parameters": {"shared_memory_region": "r"}}
    with pytest.raises(NotSupported, match="'x': shared memory is not supported"):
        parse({"inputs": [], role: [tensor]})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"inputs": [NaN]}',
        b'{"inputs": [Infinity]}',
        b'{"inputs": [1e999]}',
        b'{"id": "\\ud800"}',
        b'{"id": "\xed\xa0\x80"}',
        b'{"inputs": ' + b"[" * 100_000,
        b"{}{}",
    ],
)
def test_not_json(body: bytes) -> None:
    """Only strict, whole, shallow JSON in UTF-8 is read."""
    with pytest.raises(BadRequest, match="the body is not valid JSON"):
        parse_infer_request(body, None)
