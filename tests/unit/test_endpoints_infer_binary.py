"""Inference in binary: a JSON header, and raw tensors behind it."""

import gzip
import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from triptych.inference import tensors as inference
from triptych.protocol import tensor_codecs as binary_codec

from tests.support.infer_messages import HEADER_LENGTH
from tests.support.realtime import Answer, RealtimeFunction, add_model
from tests.support.tiny_models import identity, sum_and_difference

INFER = "/v2/models/{model}/infer"
RAW_A = {"name": "a", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8}}
RAW_B = {**RAW_A, "name": "b"}
JSON_B = {"name": "b", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
FIVE_SEVEN, ONE_TWO = struct.pack("<2f", 5, 7), struct.pack("<2f", 1, 2)
SUM, DIFFERENCE = struct.pack("<2f", 6, 9), struct.pack("<2f", 4, 5)


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function over models of one operator each."""
    models = tmp_path_factory.mktemp("models")
    add_model(models, "pair", sum_and_difference())
    add_model(models, "text", identity("BYTES", ["n"]))
    add_model(models, "bool", identity("BOOL", ["n"]))
    add_model(models, "bf16", identity("BF16", ["n"]))
    add_model(models, "image", identity("FP32", ["n", 2, 2]))
    add_model(models, "grid", identity("FP32", ["rows", "columns"]))
    return RealtimeFunction(models)


def send(function: RealtimeFunction, model: str, message: Mapping[str, object], tail: bytes) -> Answer:
    """Sends a header with bytes behind it."""
    header = json.dumps(message).encode()
    return function.post(INFER, header + tail, {HEADER_LENGTH: str(len(header))}, model=model)


def parts(answer: Answer) -> tuple[dict[str, Any], bytes]:
    """Takes an answer apart: its header, and the bytes behind."""
    assert 200 == answer.status, answer.body
    assert "application/octet-stream" == answer.headers["Content-Type"]
    length = int(answer.headers[HEADER_LENGTH])
    return json.loads(answer.body[:length]), answer.body[length:]


def test_all_binary(function: RealtimeFunction) -> None:
    """With binary_data_output all outputs come as bytes, one after the other, with their sizes."""
    message = {"id": "7", "inputs": [RAW_A, RAW_B], "parameters": {"binary_data_output": True}}
    header, tail = parts(send(function, "pair", message, FIVE_SEVEN + ONE_TWO))
    described = {"datatype": "FP32", "shape": [1, 2], "parameters": {"binary_data_size": 8}}
    outputs = [{"name": "sum", **described}, {"name": "difference", **described}]
    assert {"model_name": "pair", "model_version": "1", "id": "7", "outputs": outputs} == header
    assert SUM + DIFFERENCE == tail


def test_order_of_the_request(function: RealtimeFunction) -> None:
    """Bytes belong to the inputs in the order of the request, which may not be the model's."""
    outputs = [{"name": "difference", "parameters": {"binary_data": True}}]
    message = {"inputs": [RAW_B, RAW_A], "outputs": outputs}
    assert DIFFERENCE == parts(send(function, "pair", message, ONE_TWO + FIVE_SEVEN))[1]


@pytest.mark.parametrize("inputs", [[RAW_A, JSON_B], [JSON_B, RAW_A]])
def test_mixed(function: RealtimeFunction, inputs: list[object]) -> None:
    """JSON and binary may be mixed, in the inputs and in the outputs."""
    outputs = [{"name": "sum"}, {"name": "difference", "parameters": {"binary_data": True}}]
    header, tail = parts(send(function, "pair", {"inputs": inputs, "outputs": outputs}, FIVE_SEVEN))
    assert [6.0, 9.0] == header["outputs"][0]["data"]
    assert {"binary_data_size": 8} == header["outputs"][1]["parameters"]
    assert DIFFERENCE == tail


@pytest.mark.parametrize("binary", [True, False])
def test_output_parameter_wins(function: RealtimeFunction, binary: bool) -> None:  # noqa: FBT001 - cases
    """An output's own parameter wins over the request's; an output without one follows the request."""
    message = {
        "inputs": [RAW_A, JSON_B],
        "outputs": [{"name": "sum", "parameters": {"binary_data": binary}}, {"name": "difference"}],
        "parameters": {"binary_data_output": not binary},
    }
    header, tail = parts(send(function, "pair", message, FIVE_SEVEN))
    assert [not binary, binary] == ["data" in output for output in header["outputs"]]
    assert (SUM if binary else DIFFERENCE) == tail


def test_json_answer_to_binary(function: RealtimeFunction) -> None:
    """An answer without bytes is plain JSON, whatever the request was."""
    answer = send(function, "pair", {"inputs": [RAW_A, JSON_B]}, FIVE_SEVEN)
    assert "application/json" == answer.headers["Content-Type"]
    assert HEADER_LENGTH not in answer.headers
    assert [6.0, 9.0] == answer.json()["outputs"][0]["data"]


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (FIVE_SEVEN, "input 'b': binary_data_size is 8, but only 0 bytes are left"),
        (FIVE_SEVEN + ONE_TWO[:-1], "input 'b': binary_data_size is 8, but only 7 bytes are left"),
        (FIVE_SEVEN + ONE_TWO + b"x", "add up to 16, but 17 bytes follow the JSON header"),
    ],
)
def test_wrong_length(function: RealtimeFunction, tail: bytes, expected: str) -> None:
    """Missing and surplus bytes are refused."""
    answer = send(function, "pair", {"inputs": [RAW_A, RAW_B]}, tail)
    assert 400 == answer.status
    assert expected in answer.error


def test_size_that_is_not_the_shape(function: RealtimeFunction) -> None:
    """The bytes of an input must fill its shape."""
    message = {"inputs": [{**RAW_A, "shape": [2, 2]}, JSON_B]}
    answer = send(function, "pair", message, FIVE_SEVEN)
    assert (400, "input 'a': shape [2, 2] takes 4 values, got 2") == (answer.status, answer.error)


@pytest.mark.parametrize(
    "length",
    [
        "-1",
        "+1",
        "1.0",
        "1e1",
        "0x1",
        " 1",
        "",
        "abc",
        "\u0661",
        "3",
        "9" * 30,
        "0" * 30,
        "0" * 5000,
        "0" * 20 + "999",
    ],
)
def test_wrong_header_length(function: RealtimeFunction, length: str) -> None:
    """A header length that is no whole number, or longer than the body, is refused."""
    answer = function.post(INFER, b"{}", {HEADER_LENGTH: length}, model="pair")
    assert 400 == answer.status
    assert answer.error.startswith(f"{HEADER_LENGTH}: expected a whole number from 0 to 2, got")
    assert len(answer.error) < 150


def test_header_name_in_any_case(function: RealtimeFunction) -> None:
    """HTTP header names have no case; gateways write them as they like."""
    header = json.dumps({"inputs": [RAW_A, JSON_B]}).encode()
    for name in (HEADER_LENGTH.lower(), HEADER_LENGTH.upper()):
        assert 200 == function.post(INFER, header + FIVE_SEVEN, {name: str(len(header))}, model="pair").status


def test_length_counts_decompressed(function: RealtimeFunction) -> None:
    """The header length is that of the JSON before compression, in the request and in the answer."""
    text = "x" * 4000
    element = struct.pack("<I", len(text)) + text.encode()
    x = {"name": "x", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(element)}}
    header = json.dumps({"inputs": [x], "parameters": {"binary_data_output": True}}).encode()
    headers = {HEADER_LENGTH: str(len(header)), "Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
    answer = function.post(INFER, gzip.compress(header + element), headers, model="text")
    assert "gzip" == answer.headers["Content-Encoding"]
    plain = Answer(answer.status, answer.headers, gzip.decompress(answer.body))
    assert element == parts(plain)[1]


@pytest.mark.parametrize(
    ("model", "datatype", "raw", "count"),
    [
        ("bool", "BOOL", b"\0\1", 2),
        ("bf16", "BF16", b"\x80\x3f\xc0\x7f", 2),
        ("text", "BYTES", b"\0\0\0\0\3\0\0\0a\xc3\xb1", 2),
        ("text", "BYTES", b"", 0),
        ("bool", "BOOL", b"", 0),
        ("bf16", "BF16", b"", 0),
    ],
)
def test_values(function: RealtimeFunction, model: str, datatype: str, raw: bytes, count: int) -> None:
    """Bytes come back as they went in, also when there are none."""
    x = {"name": "x", "shape": [count], "datatype": datatype, "parameters": {"binary_data_size": len(raw)}}
    header, tail = parts(
        send(function, model, {"inputs": [x], "parameters": {"binary_data_output": True}}, raw)
    )
    assert (datatype, [count], raw) == (header["outputs"][0]["datatype"], header["outputs"][0]["shape"], tail)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\1\0", "input 'x': the bytes end inside the length of an element"),
        (b"\2\0\0\0a", "input 'x': the bytes end inside an element"),
        (b"\1\0\0\0\xff", "input 'x': BYTES elements must be UTF-8"),
    ],
)
def test_wrong_text(function: RealtimeFunction, raw: bytes, expected: str) -> None:
    """BYTES that do not add up, or are no text, are refused."""
    x = {"name": "x", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(raw)}}
    answer = send(function, "text", {"inputs": [x]}, raw)
    assert 400 == answer.status
    assert answer.error.startswith(expected)


def test_body_without_header(function: RealtimeFunction) -> None:
    """With a header length of 0 the body is the input, and the answer is binary."""
    raw = struct.pack("<8f", *range(8))
    header, tail = parts(function.post(INFER, raw, {HEADER_LENGTH: "0"}, model="image"))
    assert ([2, 2, 2], raw) == (header["outputs"][0]["shape"], tail)
    assert (
        b"\4\0\0\0a\0\xc3\xb1"
        == parts(function.post(INFER, b"a\0\xc3\xb1", {HEADER_LENGTH: "0"}, model="text"))[1]
    )


@pytest.mark.parametrize(
    ("model", "raw", "expected"),
    [
        ("image", bytes(6), "input 'x': 6 bytes are not a multiple of 4, the size of FP32"),
        ("image", bytes(20), "input 'x': shape [1, 2, 2] takes 4 values, got 5"),
        ("image", b"", "the body is empty"),
        ("grid", bytes(16), "input 'x' has shape [-1, -1]: its sizes cannot be told from bytes alone"),
        ("pair", bytes(16), "a body without JSON header needs a model with one input, not 2"),
        ("text", b"\xff", "input 'x': BYTES elements must be UTF-8"),
    ],
)
def test_wrong_body_without_header(function: RealtimeFunction, model: str, raw: bytes, expected: str) -> None:
    """Bytes that are not the one input are refused."""
    answer = function.post(INFER, raw, {HEADER_LENGTH: "0"}, model=model)
    assert 400 == answer.status
    assert answer.error.startswith(expected)


def empties(name: str, count: int, shape: list[int]) -> dict[str, Any]:
    """Describes an input of so many empty strings, which take four bytes each."""
    parameters = {"binary_data_size": 4 * count}
    return {"name": name, "shape": shape, "datatype": "BYTES", "parameters": parameters}


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the elements that are decoded."""
    decoded = [0]

    def count(raw: memoryview) -> Iterator[bytes]:
        for element in decode(raw):
            decoded[0] += 1
            yield element

    decode = binary_codec._elements  # noqa: SLF001 - where the time goes
    monkeypatch.setattr(binary_codec, "_elements", count)
    return decoded


def test_too_many_strings(function: RealtimeFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements of all inputs are counted by their shapes, and refused before one of them is decoded."""
    monkeypatch.setattr(inference, "MAX_STRINGS", 100)
    decoded = counted(monkeypatch)
    message = {"inputs": [empties("x", 60, [60]), empties("y", 41, [41])]}
    answer = send(function, "text", message, bytes(4 * 101))
    assert (413, [0]) == (answer.status, decoded)
    assert "the BYTES inputs have 101 elements, more than the 100" in answer.error
    assert 200 == send(function, "text", {"inputs": [empties("x", 100, [100])]}, bytes(400)).status


def test_more_strings_than_the_shape_says(
    function: RealtimeFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more elements are decoded than were declared, and one that tells that there are more."""
    decoded = counted(monkeypatch)
    answer = send(function, "text", {"inputs": [empties("x", 10**6, [3])]}, bytes(4 * 10**6))
    assert (400, [4]) == (answer.status, decoded)
    assert "shape [3] takes 3 values, got more" in answer.error
