"""Optional inputs, and outputs of JSON documents, as tasks have them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from triptych.deployment import Deployment
from triptych.errors import BadRequest, BadRows
from triptych.inference.merging import groups, run_merged
from triptych.inference.rows import predict_rows, prepare_rows
from triptych.inference.tensors import infer, raw_request
from triptych.jobs.job import JobRequest
from triptych.models.config import ModelConfig
from triptych.models.model import Model
from triptych.protocol.datatypes import BYTES
from triptych.protocol.infer_request import parse_infer_request
from triptych.protocol.tensors import Array, Signature, Tensor, TensorSpec
from triptych.rows.arrow import values_of
from triptych.rows.formats import Format, RowFormat
from triptych.rows.options import row_options
from triptych.rows.parquet import decode_parquet, encode_parquet

from tests.support.local_files import transformed
from tests.support.pieces import Wanted, made
from tests.support.prepared_requests import LATER
from tests.support.realtime import RealtimeFunction, add_model
from tests.unit.fakes.functions import FunctionSession

TEXT = TensorSpec("text", BYTES, (-1,))
PAIR = TensorSpec("text_pair", BYTES, (-1,), optional=True)
LABELS = TensorSpec("labels", BYTES, (-1,), optional=True, json=True)
WORDS = TensorSpec("words", BYTES, (-1,), json=True)
COUNT = TensorSpec("count", BYTES, (-1,))
LINES = "application/jsonlines"


def words(arrays: dict[str, Array]) -> Mapping[str, Any]:
    """Lists the words of both texts as JSON, and which inputs came."""
    pairs = arrays.get("text_pair", [""] * len(arrays["text"]))
    found = [f"{text} {pair}".split() for text, pair in zip(arrays["text"], pairs, strict=True)]
    documents = ["not JSON" if "bad" in some else orjson.dumps({"words": some}).decode() for some in found]
    return {"words": documents, "count": ["+".join(arrays)] * len(found)}


def task(*optional: TensorSpec) -> tuple[Model, list[int]]:
    """Makes a model of a text and optional inputs, and the list of its runs."""
    runs: list[int] = []
    session = FunctionSession(Signature((TEXT, *optional), (WORDS, COUNT)), words, runs)
    return Model("task", 1, ModelConfig(), session), runs


MODEL, _ = task(PAIR)


def predict(body: bytes, content_type: str, model: Model = MODEL, **wanted: str) -> Any:  # noqa: ANN401 - rows
    """Predicts for rows, and returns those of JSON as values."""
    answer = predict_rows(model, body, row_options(content_type, **wanted), LATER).body
    if content_type == LINES:
        return [orjson.loads(line) for line in answer.splitlines()]
    return orjson.loads(answer)["predictions"] if content_type == "application/json" else answer


def test_an_optional_input_may_be_absent() -> None:
    """A required one may not, and both are checked where they are there."""
    texts = Tensor(BYTES, np.array(["a"], dtype=object))
    MODEL.signature.check_inputs({"text": texts})
    MODEL.signature.check_inputs({"text": texts, "text_pair": texts})
    with pytest.raises(BadRequest, match="missing input 'text'; the model takes 'text', 'text_pair'"):
        MODEL.signature.check_inputs({"text_pair": texts})
    with pytest.raises(BadRequest, match="input 'text_pair': expected shape"):
        MODEL.signature.check_inputs({"text": texts, "text_pair": Tensor(BYTES, texts.values[0:1, None])})


@pytest.mark.parametrize(
    ("body", "content_type", "inputs"),
    [
        (b"text\na\n", "text/csv", b"text"),
        (b"text_pair,text\nb,a\n", "text/csv", b"text+text_pair"),
        (b"a\n", "text/csv; header=absent", b"text"),
        (b"a,b\n", "text/csv; header=absent", b"text+text_pair"),
        (encode_parquet({"text": ["a"]}), "application/x-parquet", b"text"),
    ],
)
def test_a_column_of_an_optional_input_may_be_missing(body: bytes, content_type: str, inputs: bytes) -> None:
    """Then the model gets no such tensor; rows without names may leave it out as well."""
    answer = predict_rows(MODEL, body, row_options(content_type, accept="text/csv", outputs="count"), LATER)
    assert inputs in answer.body.splitlines()


@pytest.mark.parametrize(
    ("instance", "inputs"),
    [
        ("a", "text"),
        (["a"], "text"),
        (["a", "b"], "text+text_pair"),
        ({"text": "a"}, "text"),
        ({"text": "a", "other": 1}, "text"),
        ({"text": "a", "text_pair": None}, "text+text_pair"),
    ],
)
def test_a_cell_of_an_optional_input_may_be_missing(instance: object, inputs: str) -> None:
    """Instances without names fill the inputs in their order."""
    body = orjson.dumps({"instances": [instance]})
    assert [inputs] == [row["count"] for row in predict(body, "application/json")]


def test_too_many_cells_are_refused_with_both_widths() -> None:
    """The message names the columns with and without the optional ones."""
    with pytest.raises(BadRequest, match=r"2 \('text', 'text_pair'\) or 1 \('text'\), got 3"):
        predict(b'["a", "b", "c"]', LINES)


def test_missing_cells_of_an_optional_input_are_not_counted() -> None:
    """Nothing was lost where nothing was needed; of a required input they count."""
    body = b'{"text": "a"}\n{"text": null, "text_pair": "b"}'
    assert 1 == predict_rows(MODEL, body, row_options(LINES), LATER).filled
    assert [["a"], ["b"]] == [row["words"]["words"] for row in predict(body, LINES)]


def test_a_json_input_takes_values_and_text() -> None:
    """A list in a cell is one element, its JSON text; in CSV the cell is that text."""
    model, _ = task(LABELS)
    echo = FunctionSession(model.signature, lambda arrays: {"count": arrays["labels"]}, [])
    model = model._replace(session=echo)
    rows = b'{"text": "a", "labels": ["x", "y"]}\n{"text": "b", "labels": "x, y"}'
    assert ['["x","y"]', "x, y"] == [row["count"] for row in predict(rows, LINES, model, outputs="count")]
    rows = b'text,labels\na,"[""x"", 1]"\n'
    assert b'count\n"[""x"", 1]"\n' == predict(rows, "text/csv", model, outputs="count")


def test_raw_bytes_are_the_required_input() -> None:
    """A body of bytes alone needs one required input."""
    assert ["text"] == [tensor.name for tensor in raw_request(b"a b", MODEL.signature).inputs]


def test_requests_with_other_inputs_are_not_merged() -> None:
    """Those that lack the same inputs are one run."""
    model, runs = task(PAIR)
    texts, pairs = b"text\na b\n", b"text,text_pair\na,b\n"
    requests = [prepare_rows(model, body, row_options("text/csv")) for body in (texts, pairs, texts, pairs)]
    assert [[0, 2], [1, 3]] == groups(model.signature, requests)
    run_merged(model, [requests[0], requests[2]], LATER)
    assert [2] == runs


def test_json_values_in_json_rows() -> None:
    """JSON holds the documents as values, next to joined columns."""
    body = b'{"text": "a b", "id": 7}\n{"text": "", "id": 8}'
    assert [
        {"id": 7, "words": {"words": ["a", "b"]}, "count": "text"},
        {"id": 8, "words": {"words": []}, "count": "text"},
    ] == predict(body, LINES, join="id")
    expected = [{"words": {"words": ["a"]}, "count": "text"}]
    assert expected == predict(b'{"instances": ["a"]}', "application/json")


def test_json_text_in_tables_and_tensors() -> None:
    """CSV, Parquet and `infer` hold the documents as text."""
    assert b'words\n"{""words"":[""a""]}"\n' == predict(b"text\na\n", "text/csv", outputs="words")
    parquet = predict(b"text\na\n", "text/csv", outputs="words", accept="application/x-parquet")
    column = decode_parquet(parquet, 2**20).columns["words"]
    assert not isinstance(column, list)
    assert ['{"words":["a"]}'] == values_of(column)
    message = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a"]}]}
    answer = infer(MODEL, parse_infer_request(orjson.dumps(message), None), LATER)
    assert ['{"words":["a"]}'] == orjson.loads(answer.body)["outputs"][0]["data"]


def test_json_of_any_shape() -> None:
    """Elements of more dimensions are nested lists of documents."""
    spec = TensorSpec("boxes", BYTES, (-1, 2), json=True)
    session = FunctionSession(Signature((TEXT,), (spec,)), lambda _: {"boxes": [["[1]", "2"]]}, [])
    assert [{"boxes": [[1], 2]}] == predict(b'"a"', LINES, Model("boxes", 1, ModelConfig(), session))


def test_a_document_that_is_none_is_the_error_of_its_row() -> None:
    """It names the row; other rows of a file are predicted for."""
    with pytest.raises(BadRows, match="row 2: output 'words' is not JSON, as the model says: invalid"):
        predict(b'"a"\n"bad"', LINES)
    form = RowFormat(Format.JSON_LINES)
    found = made(MODEL, b'{"text":"a"}\n{"text":"bad"}\n{"text":"c"}\n', form, Wanted(form))
    assert (2, [2]) == (found.counts.written, [error["record"] for error in found.errors])


@pytest.mark.parametrize("accept", [LINES, "text/csv"])
def test_files_as_in_real_time(accept: str) -> None:
    """Also where some blocks have the optional column and others have not."""
    lines = [b'{"text": "a b"}', b'{"text": "c", "text_pair": "d"}', b'{"text": "e"}'] * 40
    body = b"\n".join(lines)
    request = JobRequest(content_type=LINES, accept=accept)
    expected = predict_rows(MODEL, body, request.row_options(), LATER)
    assert expected.body == transformed(MODEL, body, request).body


def test_lookups_hold_json_values() -> None:
    """Records that stand alone may each have the optional cell or not."""
    form = RowFormat(Format.JSON_LINES)
    lines = b'{"text":"a","id":"1"}\n{"text":"b","text_pair":"c","id":"2"}\n{"text_pair":"c","id":"3"}\n'
    found = made(MODEL, lines, form, Wanted(form, outputs="words", key="id"))
    assert [{"words": {"words": ["a"]}}, {"words": {"words": ["b", "c"]}}] == [
        prediction.row for prediction in found.predictions
    ]
    assert ["the record has none of the columns 'text'"] == [error["reason"] for error in found.errors]


def test_metadata_tells_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As parameters of inputs and outputs, and in Triton's configuration where it has a place."""
    add_model(tmp_path, "task", b"a model")
    monkeypatch.setattr(Deployment, "open_session", lambda *_: MODEL.session)
    function = RealtimeFunction(tmp_path)
    metadata = function.get("/v2/models/{model}", model="task").json()
    tensor = {"datatype": "BYTES", "shape": [-1]}
    optional = {"name": "text_pair", **tensor, "parameters": {"optional": True}}
    assert [{"name": "text", **tensor}, optional] == metadata["inputs"]
    assert {"name": "words", **tensor, "parameters": {"json": True}} == metadata["outputs"][0]
    config = function.get("/v2/models/{model}/config", model="task").json()
    assert [None, True] == [described.get("optional") for described in config["input"]]
