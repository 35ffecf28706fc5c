"""Inference in JSON, from the event to the answer."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from triptych.http.response import MAX_ANSWER
from triptych.protocol.compression import PLAIN_LIMIT

from tests.support.realtime import Answer, Call, RealtimeFunction, add_model
from tests.support.tiny_models import identity, lookup, pairs, sum_and_difference, zeros

INFER = "/v2/models/{model}/infer"
A = {"name": "a", "shape": [1, 2], "datatype": "FP32", "data": [5, 7]}
B = {"name": "b", "shape": [1, 2], "datatype": "FP32", "data": [[1, 2]]}
PAIR = {"inputs": [A, B]}
SUM = {"name": "sum", "datatype": "FP32", "shape": [1, 2], "data": [6.0, 9.0]}
DIFFERENCE = {"name": "difference", "datatype": "FP32", "shape": [1, 2], "data": [4.0, 5.0]}


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> RealtimeFunction:
    """The function over models of one operator each."""
    models = tmp_path_factory.mktemp("models")
    add_model(models, "pair", sum_and_difference(), version=1)
    add_model(models, "pair", sum_and_difference(), version=12)
    for datatype in ("FP32", "FP16", "BF16", "BYTES", "INT64", "BOOL"):
        add_model(models, datatype, identity(datatype, ["n"]))
    for name, content in (("lookup", lookup()), ("pairs", pairs()), ("zeros", zeros())):
        add_model(models, name, content)
    return RealtimeFunction(models)


def infer(function: RealtimeFunction, model: str, message: object) -> Answer:
    """Sends a message as JSON."""
    return function.post(INFER, json.dumps(message).encode(), model=model)


def echoed(function: RealtimeFunction, datatype: str, data: list[Any]) -> Any:  # noqa: ANN401 - values of any type
    """Sends values through a model that gives them back."""
    x = {"name": "x", "shape": [len(data)], "datatype": datatype, "data": data}
    return infer(function, datatype, {"inputs": [x]}).json()["outputs"][0]["data"]


def test_answer(function: RealtimeFunction) -> None:
    """All outputs come in the model's order when none are named; there is no id when none was sent."""
    answer = infer(function, "pair", PAIR)
    assert (200, {"Content-Type": "application/json"}) == (answer.status, answer.headers)
    assert {"model_name": "pair", "model_version": "12", "outputs": [SUM, DIFFERENCE]} == answer.json()


@pytest.mark.parametrize("sent", ["request 7", ""])
def test_id(function: RealtimeFunction, sent: str) -> None:
    """An id comes back as it was sent."""
    assert sent == infer(function, "pair", {**PAIR, "id": sent}).json()["id"]


def test_chosen_outputs(function: RealtimeFunction) -> None:
    """Named outputs come in the order named, and no others."""
    for names in (["difference"], ["difference", "sum"]):
        answer = infer(function, "pair", {**PAIR, "outputs": [{"name": name} for name in names]})
        assert names == [output["name"] for output in answer.json()["outputs"]]
    assert [SUM, DIFFERENCE] == infer(function, "pair", {**PAIR, "outputs": []}).json()["outputs"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"inputs": [A]}, "missing input 'b'; the model takes 'a', 'b'"),
        ({}, "missing input 'a'; the model takes 'a', 'b'"),
        ({"inputs": [A, B, {**A, "name": "c"}]}, "unknown input 'c'; the model takes 'a', 'b'"),
        ({"inputs": [A, B, A]}, "input 'a' is given 2 times"),
        (
            {**PAIR, "outputs": [{"name": "mean"}]},
            "unknown output 'mean'; the model gives 'sum', 'difference'",
        ),
        ({"inputs": [{**A, "datatype": "FP64"}, B]}, "input 'a': expected datatype FP32, got FP64"),
        (
            {"inputs": [A, {**B, "shape": [2], "data": [1, 2]}]},
            "input 'b': expected shape [-1, 2] (-1 is any size), got [2]",
        ),
        ({"inputs": [{**A, "shape": [2, 2]}, B]}, "input 'a': shape [2, 2] takes 4 values, got 2"),
    ],
)
def test_refused(function: RealtimeFunction, message: object, expected: str) -> None:
    """The message names the input or output, what was expected and what came."""
    answer = infer(function, "pair", message)
    assert 400 == answer.status
    assert answer.error.startswith(expected)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a,b\n1,2\n", "text/csv; charset=utf-8"),
        (b"a,b\n1,2\n", "application/x-www-form-urlencoded"),
        (b'{"a": 1}\n{"a": 2}\n', "application/x-ndjson"),
        (b'{"instances": [{"a": 1}]}', "application/json"),
        (b"PAR1", "application/vnd.apache.parquet"),
    ],
)
def test_rows_are_sent_to_predict(function: RealtimeFunction, body: bytes, content_type: str) -> None:
    """Rows get the address that takes them, with the name of the model."""
    answer = function.post(INFER, body, {"Content-Type": content_type}, model="pair")
    assert 400 == answer.status
    assert answer.error.endswith("to POST /v2/models/pair/predict")


def test_instances_beside_inputs(function: RealtimeFunction) -> None:
    """Tensors are served whatever else their message holds."""
    assert 200 == infer(function, "pair", {**PAIR, "instances": []}).status


def test_rows_that_differ(function: RealtimeFunction) -> None:
    """Inputs that are right each and wrong together are the caller's error."""
    two = {**B, "shape": [3, 2], "data": [0] * 6}
    answer = infer(function, "pair", {"inputs": [{**A, "shape": [2, 2], "data": [0] * 4}, two]})
    assert 400 == answer.status
    assert "the model cannot run on these inputs" in answer.error


@pytest.mark.parametrize(
    ("model", "tensor", "expected"),
    [
        ("lookup", {"name": "index", "datatype": "INT64", "data": [7]}, "idx=7 must be within"),
        ("pairs", {"name": "x", "datatype": "FP32", "data": [1]}, "cannot be reshaped"),
        ("zeros", {"name": "n", "datatype": "INT64", "data": [-1]}, "must be >= 0"),
    ],
)
def test_model_refuses(
    function: RealtimeFunction, model: str, tensor: dict[str, object], expected: str
) -> None:
    """What the model itself refuses is the caller's error too, told without a path of this machine."""
    answer = infer(function, model, {"inputs": [{**tensor, "shape": [1]}]})
    assert 400 == answer.status
    assert expected in answer.error
    assert "/" not in answer.error


def test_values(function: RealtimeFunction) -> None:
    """Values of every kind come back as they went in, NaN as null and the infinities spelled out."""
    assert [1.5, None, "Infinity", "-Infinity"] == echoed(
        function, "FP32", [1.5, None, "Infinity", "-Infinity"]
    )
    assert [0.5, None, 65504.0] == echoed(function, "FP16", [0.5, None, 65504])
    assert [2**63 - 1, -(2**63)] == echoed(function, "INT64", [2**63 - 1, -(2**63)])
    assert [True, False] == echoed(function, "BOOL", [True, False])
    assert ["", "ü€😀", "a\0b"] == echoed(function, "BYTES", ["", "ü€😀", "a\0b"])
    assert [] == echoed(function, "FP32", [])


def test_bf16_is_binary_only(function: RealtimeFunction) -> None:
    """BF16 is refused in JSON."""
    x = {"name": "x", "shape": [1], "datatype": "BF16", "data": [1]}
    answer = infer(function, "BF16", {"inputs": [x]})
    assert (400, "input 'x': BF16 has no JSON form; send it in binary") == (answer.status, answer.error)


@pytest.mark.parametrize("role", ["inputs", "outputs"])
def test_shared_memory(function: RealtimeFunction, role: str) -> None:
    """Shared memory is a part of the protocol that is not served."""
    tensor = {**A, "parameters": {"shared_memory_region": "r", "shared_memory_byte_size": 8}}
    assert 501 == infer(function, "pair", {**PAIR, role: [tensor]}).status


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"inputs": [NaN]}', b"{\xff}", b"[" * 100_000])
def test_no_message(function: RealtimeFunction, body: bytes) -> None:
    """A body that is no JSON object is refused."""
    answer = function.post(INFER, body, model="pair")
    assert 400 == answer.status
    assert answer.error.startswith(("the body is not valid JSON", "the body must be a JSON object"))


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ({"version": "1"}, 200, "1"),
        ({"version": "12"}, 200, "12"),
        ({"version": "3"}, 404, "unknown version 3 of model 'pair', which has 12, 1"),
        ({"version": "01"}, 400, "version '01': expected a positive integer"),
        ({"version": "latest"}, 400, "version 'latest': expected a positive integer"),
        ({"model": "pear", "version": "1"}, 404, "unknown model 'pear'"),
        ({"model": "../pair", "version": "1"}, 404, "unknown model '../pair'"),
    ],
)
def test_version(function: RealtimeFunction, path: dict[str, str], status: int, expected: str) -> None:
    """A version may be asked for; the highest answers otherwise."""
    where = {"model": "pair", **path}
    call = Call("POST", "/v2/models/{model}/versions/{version}/infer", where, body=json.dumps(PAIR).encode())
    answer = function.handle(call.event())
    assert status == answer.status
    told = answer.json()["model_version"] if status == 200 else answer.error
    assert told.startswith(expected)


@pytest.mark.parametrize(
    ("encoding", "compressed"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstd.compress)],
)
def test_compressed_request(function: RealtimeFunction, encoding: str, compressed: Any) -> None:  # noqa: ANN401 - a function
    """A request may be compressed, and the header that says so may be in any case."""
    body = compressed(json.dumps(PAIR).encode())
    answer = function.post(INFER, body, {"CONTENT-encoding": encoding}, model="pair")
    assert [SUM, DIFFERENCE] == answer.json()["outputs"]


def test_wrong_compression(function: RealtimeFunction) -> None:
    """An encoding that is not read, and a body that is not of its encoding, are told apart."""
    body = json.dumps(PAIR).encode()
    assert 415 == function.post(INFER, body, {"Content-Encoding": "br"}, model="pair").status
    assert 400 == function.post(INFER, body, {"Content-Encoding": "gzip"}, model="pair").status
    assert (
        400
        == function.post(
            INFER, zlib.compress(body)[:-4], {"Content-Encoding": "deflate"}, model="pair"
        ).status
    )


def test_bomb(function: RealtimeFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small body that grows beyond the cap is too large."""
    monkeypatch.setattr(PLAIN_LIMIT, "bytes", 10_000)
    answer = function.post(INFER, gzip.compress(b" " * 10_001), {"Content-Encoding": "gzip"}, model="pair")
    assert (413, True) == (answer.status, "more than 10000 bytes" in answer.error)


@pytest.mark.parametrize(("encoding", "plain"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
def test_compressed_answer(function: RealtimeFunction, encoding: str, plain: Any) -> None:  # noqa: ANN401 - a function
    """An answer is compressed for a caller that accepts it; a failure never is."""
    ask = {"inputs": [{"name": "n", "shape": [1], "datatype": "INT64", "data": [1000]}]}
    headers = {"accept-ENCODING": encoding}
    answer = function.post(INFER, json.dumps(ask).encode(), headers, model="zeros")
    assert encoding == answer.headers["Content-Encoding"]
    assert [0.0] * 1000 == json.loads(plain(answer.body))["outputs"][0]["data"]
    assert "Content-Encoding" not in function.post(INFER, b"", headers, model="zeros").headers


def test_answer_too_large(function: RealtimeFunction) -> None:
    """An answer that one call cannot carry is a 413 that names the way out; compressed it may fit."""
    ask = {"inputs": [{"name": "n", "shape": [1], "datatype": "INT64", "data": [MAX_ANSWER // 4]}]}
    call = Call("POST", INFER, {"model": "zeros"}, body=json.dumps(ask).encode())
    answer = function.handle(call.event())
    assert 413 == answer.status
    assert "accept gzip, or ask for a job: POST /v2/models/{model}/jobs" in answer.error
    accepting = {**call.event(), "headers": {"Accept-Encoding": "gzip"}}
    assert 200 == function.handle(accepting).status


def test_corrupt_model_is_alone(tmp_path: Path) -> None:
    """A model that cannot be opened answers 503 with its reason, without a path; the others work."""
    add_model(tmp_path, "corrupt", b"not a model")
    add_model(tmp_path, "pair", sum_and_difference())
    function = RealtimeFunction(tmp_path)
    answer = infer(function, "corrupt", PAIR)
    assert 503 == answer.status
    assert "model 'corrupt' version 1 cannot be loaded: the model cannot be opened" in answer.error
    assert str(tmp_path) not in answer.error
    assert 200 == infer(function, "pair", PAIR).status
