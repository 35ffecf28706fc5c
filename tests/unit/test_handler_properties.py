"""Nothing that a client can send makes an internal error, or an answer that is not the protocol's."""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from triptych.protocol.datatypes import DATATYPES

from tests.support import tiny_models
from tests.support.call_strategies import calls, sent
from tests.support.infer_messages import HEADER_LENGTH
from tests.support.message_strategies import ROWS, infer_calls, predict_calls
from tests.support.mutations import as_json, damaged, mutated
from tests.support.properties import examples
from tests.support.realtime import Answer, Call, RealtimeFunction, add_model, told

SHIPPED = Path(__file__).parents[2] / "layers/models"
INFER = "/v2/models/{model}/infer"
MIB = 2**20
CLIENTS_FAULT = {400, 404, 405, 406, 413, 415}
MODELS = {
    **{name: tiny_models.identity(name, None) for name in DATATYPES},
    "sum_and_difference": tiny_models.sum_and_difference(),
    "lookup": tiny_models.lookup(),
    "pairs": tiny_models.pairs(),
    "sequence": tiny_models.sequence(),
    "broken": b"not a model",
}
NAMES = (*MODELS, "penguins", "digits", "recommender")
UNSERVED = {501: "sequence", 503: "broken"}
ECHO: dict[str, Any] = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [2], "data": [1.5, -2]}]}


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealtimeFunction]:
    """The function; whatever it is sent, it must answer afterwards as before."""
    models = tmp_path_factory.mktemp("models")
    for name, content in MODELS.items():
        add_model(models, name, content)
    for name in ("penguins", "digits", "recommender"):
        shutil.copytree(SHIPPED / name, models / name)
    function = RealtimeFunction(models)
    yield function
    answer = function.post(INFER, as_json(ECHO), model="FP32")
    assert [1.5, -2] == answer.json()["outputs"][0]["data"]


def assert_sensible(answer: Answer, call: Call) -> None:
    """Checks that an answer is one of the protocol's."""
    event(f"status {answer.status}")
    if answer.status == 200:
        assert_readable(answer)
        return
    assert answer.status in CLIENTS_FAULT | UNSERVED.keys(), answer.body
    assert "application/json" == answer.headers["Content-Type"]
    assert told(answer, call.resource)
    if answer.status == 503:
        assert call.path["model"] in UNSERVED.values()


def assert_readable(answer: Answer) -> None:
    """Checks that the body of an answer is what its headers say."""
    content_type = answer.headers["Content-Type"].partition(";")[0]
    content = uncompressed(answer)
    if content_type == "application/json":
        json.loads(content)
    elif content_type == "application/octet-stream":
        length = int(answer.headers[HEADER_LENGTH])
        message = json.loads(content[:length])
        sizes = [output.get("parameters", {}).get("binary_data_size", 0) for output in message["outputs"]]
        assert len(content) == length + sum(sizes)
    elif content_type == "application/vnd.apache.parquet":
        assert (b"PAR1", b"PAR1") == (content[:4], content[-4:])
    else:
        assert content_type.startswith(("text/", "application/"))
        content.decode()


def uncompressed(answer: Answer) -> bytes:
    """Undoes the compression of an answer."""
    match answer.headers.get("Content-Encoding"):
        case "gzip":
            return gzip.decompress(answer.body)
        case "deflate":
            return zlib.decompress(answer.body)
        case encoding:
            assert encoding is None
            return answer.body


@examples(400)
@given(calls(NAMES))
def test_any_request(function: RealtimeFunction, call: Call) -> None:
    """Any method, path, headers, query and body, on any route."""
    assert_sensible(function.handle(call.event()), call)


@examples(500)
@given(infer_calls())
def test_inference(function: RealtimeFunction, call: Call) -> None:
    """Valid inference requests with anything changed: message, bytes, headers."""
    assert_sensible(function.handle(call.event()), call)


@examples(400)
@given(predict_calls(tuple(name for name in ROWS if "parquet" not in name)))
def test_rows(function: RealtimeFunction, call: Call) -> None:
    """Valid rows with anything changed: values, bytes, headers, query."""
    assert_sensible(function.handle(call.event()), call)


@examples(15)  # each starts a process
@given(predict_calls(("application/vnd.apache.parquet",)))
def test_parquet(function: RealtimeFunction, call: Call) -> None:
    """Parquet files with anything changed."""
    assert_sensible(function.handle(call.event()), call)


@examples(50)
@given(mutated({"ready": True}).map(as_json) | damaged(b'{"ready": true}'), st.data())
def test_index(function: RealtimeFunction, body: bytes, data: st.DataObject) -> None:
    """The one other body that is read: the repository index's."""
    call = data.draw(sent(Call("POST", "/v2/repository/index", body=body)))
    answer = function.handle(call.event())
    assert_sensible(answer, call)


@examples(100)
@given(st.text(st.characters()) | st.text("ABCDabcd0123+/="), st.booleans())
def test_body_of_an_event(function: RealtimeFunction, body: str, encoded: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever stands in the event as the body, base64 or said to be."""
    call = Call("POST", INFER, {"model": "FP32"})
    assert_sensible(function.handle({**call.event(), "body": body, "isBase64Encoded": encoded}), call)


@pytest.mark.parametrize("content_type", ROWS)
def test_rows_are_valid_before_they_are_changed(function: RealtimeFunction, content_type: str) -> None:
    """The rows that the properties begin with are answered."""
    answer = function.post(
        "/v2/models/{model}/predict", ROWS[content_type], {"Content-Type": content_type}, model="penguins"
    )
    assert_readable(answer)
    assert 200 == answer.status


@pytest.mark.parametrize(
    ("cells", "header"),
    [
        (b"Dream,37.3,16.8,192,3000,female,2009", {}),
        (b"Dream,37.3,NA,,3000,,2009", {"Triptych-Filled-Cells": "3"}),
    ],
)
def test_filled_cells(function: RealtimeFunction, cells: bytes, header: dict[str, str]) -> None:
    """A header counts the missing cells that were filled in; there is none where no cell was missing."""
    rows = b"island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n" + cells
    answer = function.post("/v2/models/{model}/predict", rows, {"Content-Type": "text/csv"}, model="penguins")
    assert (200, {"Content-Type": "text/csv; charset=utf-8", **header}) == (answer.status, answer.headers)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        pytest.param(b"[" * 100_000, 400, "not valid JSON", id="deep nesting"),
        pytest.param(b'{"inputs":' * 2_000, 400, "not valid JSON", id="deep objects"),
        pytest.param(
            b'{"a":' + b"[" * 1_000 + b"]" * 1_000 + b"}", 400, "missing input", id="depth that is ignored"
        ),
        pytest.param(b"\xff\xfe{}", 400, "not valid JSON", id="not UTF-8"),
    ],
)
def test_hostile_json(function: RealtimeFunction, body: bytes, status: int, message: str) -> None:
    """JSON made to exhaust a reader is refused."""
    answer = function.post(INFER, body, model="FP32")
    assert (status, True) == (answer.status, message in answer.error), answer.error


@pytest.mark.parametrize("depth", [33, 64, 65, 900])
@pytest.mark.parametrize("datatype", ["FP32", "INT8", "BOOL", "BYTES"])
def test_deep_data(function: RealtimeFunction, datatype: str, depth: int) -> None:
    """Data that are nested deeper than their shape are refused."""
    data = f"{'[' * depth}{']' * depth}"
    body = f'{{"inputs": [{{"name": "x", "datatype": "{datatype}", "shape": [1], "data": {data}}}]}}'
    answer = function.post(INFER, body.encode(), model=datatype)
    assert (400, True) == (answer.status, answer.error.startswith("input 'x': "))


@pytest.mark.parametrize(
    "shape",
    [
        [2**31],
        [2**31 - 1, 2**31 - 1],
        [2**31 - 1] * 32,
        [0, *[2**31 - 1] * 31],
        [1] * 33,
        [2**63],
        [2**64],
        [-1],
        [2.0],
        [True, 2],
        ["2"],
        [[2]],
    ],
    ids=str,
)
@pytest.mark.parametrize("binary", [True, False])
def test_impossible_shapes(function: RealtimeFunction, shape: list[object], binary: bool) -> None:  # noqa: FBT001 - a parameter
    """A shape that no array can have, or that the values do not fill, is refused before anything is made."""
    empty: dict[str, Any] = {"parameters": {"binary_data_size": 0}} if binary else {"data": []}
    message = as_json({"inputs": [{"name": "x", "datatype": "FP32", "shape": shape, **empty}]})
    answer = function.post(INFER, message, {HEADER_LENGTH: str(len(message))}, model="FP32")
    assert (400, True) == (answer.status, answer.error.startswith("input 'x': "))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("resource", [INFER, "/v2/models/{model}/predict", "/v2/repository/index"])
def test_decompression_bomb(function: RealtimeFunction, encoding: str, resource: str) -> None:
    """A small body that grows beyond all measure is given up, not unpacked."""
    compress = gzip.compress if encoding == "gzip" else zlib.compress
    bomb = compress(bytes(80 * MIB), 1)
    headers = {"Content-Encoding": encoding, "Content-Type": "text/csv"}
    path = {"model": "FP32"} if "{model}" in resource else {}
    answer = function.handle(Call("POST", resource, path, headers, body=bomb).event())
    assert (413, True) == (answer.status, "decompresses to more than" in answer.error)


def test_small_values(function: RealtimeFunction) -> None:
    """JSON that takes far more memory than its text is given up before it is read."""
    body = b'{"inputs": [' + b"[]," * (6 * MIB) + b"[]]}"
    answer = function.post(INFER, gzip.compress(body, 1), {"Content-Encoding": "gzip"}, model="FP32")
    assert (413, True) == (answer.status, answer.error.startswith(f"JSON of {len(body)} bytes is more than"))


@pytest.mark.parametrize("body", ["%%%%", "abc", "QQ=", "é", "QUJD\ud800", "QUJD="])
def test_wrong_base64(function: RealtimeFunction, body: str) -> None:
    """A body that is not the base64 it is said to be is refused."""
    call = Call("POST", INFER, {"model": "FP32"})
    answer = function.handle({**call.event(), "body": body, "isBase64Encoded": True})
    assert (400, True) == (answer.status, "base64" in answer.error)


def test_output_asked_for_twice(function: RealtimeFunction) -> None:
    """An output cannot be asked for again and again: a small request would have an answer of any size."""
    answer = function.post(INFER, as_json({**ECHO, "outputs": [{"name": "y"}] * 1_000}), model="FP32")
    assert (400, "output 'y' is asked for 1000 times") == (answer.status, answer.error)
