"""Models that another function runs: the same answers and errors as in one function."""

import io
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from onnx import helper
from PIL import Image
from triptych.clock import Deadline
from triptych.deployment import Deployment
from triptych.http.application import Application
from triptych.http.models import InferenceServices
from triptych.protocol.tensors import Array
from triptych.settings import Settings, TelemetrySettings

from tests.support import image_exports, text_exports
from tests.support.infer_messages import HEADER_LENGTH
from tests.support.realtime import DOCUMENTS, Answer, Call, Function, Invocation, RealtimeFunction, add_model
from tests.support.tiny_models import (
    classifier,
    counter,
    identity,
    lookup,
    model,
    sum_and_difference,
    zeros,
)

ROOT = Path(__file__).parents[2]
HEAD = {"architectures": ["BertForSequenceClassification"]}
INFER, PREDICT = "/v2/models/{model}/infer", "/v2/models/{model}/predict"


def settings(service: str, *storages: Path, function: str = "") -> Settings:
    """Makes the settings of a function over directories of models."""
    return Settings(
        storages=tuple(map(str, storages)),
        refresh_seconds=3600,
        preload=(),
        memory_megabytes=1769,
        cache=storages[0],
        telemetry=TelemetrySettings(service, "Triptych", "INFO"),
        inference_function=function,
    )


@dataclass
class Called:
    """The inference function, called as the front calls it.

    Attributes:
        application: What answers.
        events: Everything that came.
    """

    application: Application[InferenceServices]
    events: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, payload: bytes, deadline: Deadline) -> bytes:
        """Answers an event, as Lambda passes it on: as JSON, both ways."""
        assert len(payload) <= 6 * 2**20
        event = orjson.loads(payload)
        self.events.append(event)
        milliseconds = int(min(deadline.remaining, 900) * 1000) + 2000
        answer = orjson.dumps(self.application(event, Invocation(milliseconds)))
        assert len(answer) <= 6 * 2**20
        return answer


class Split(Function[InferenceServices]):
    """The function behind the API, and the one that runs its models.

    Args:
        models: The model repository.
        front: What the front has of it; all of it, with empty graphs, if not given.
    """

    def __init__(self, models: Path, front: Path | None = None) -> None:
        self.called = Called(Deployment(settings("inference", models)).inference())
        deployment = Deployment(settings("realtime", front or without_weights(models), function="inference"))
        deployment.inference_function = self.called
        super().__init__(deployment.realtime(DOCUMENTS))


def without_weights(models: Path) -> Path:
    """Copies a repository as the layer of the front has it: graphs are empty."""
    copy = models.with_name(f"{models.name}-files")
    shutil.copytree(models, copy)
    for graph in copy.rglob("*.onnx"):
        graph.write_bytes(b"")
    return copy


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """An empty repository."""
    directory = tmp_path / "models"
    directory.mkdir()
    return directory


EVENTS = sorted(path for path in (ROOT / "events").glob("realtime-*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_as_in_one_function(path: Path, tmp_path: Path) -> None:
    """Every example event has the same answer, whichever function runs the models."""
    models = tmp_path / "models"
    shutil.copytree(ROOT / "layers/models", models)
    event = json.loads(path.read_text())
    alone, split = RealtimeFunction(models).handle(event), Split(models).handle(event)
    assert alone == split


def infer(function: Function[Any], model: str, name: str, datatype: str, array: Array) -> Answer:
    """Sends a tensor in binary, and asks for all outputs in binary."""
    raw = array.tobytes()
    tensor = {
        "name": name,
        "datatype": datatype,
        "shape": array.shape,
        "parameters": {"binary_data_size": len(raw)},
    }
    header = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {HEADER_LENGTH: str(len(header))}
    return function.handle(Call("POST", INFER, {"model": model}, headers, body=header + raw).event())


def both(models: Path) -> tuple[RealtimeFunction, Split]:
    """The one function, and the two."""
    return RealtimeFunction(models), Split(models)


def summed(*, centred: bool = False) -> bytes:
    """Sums each row of `x`, FP64 of shape [rows, 1000]; centred, its rows depend on each other."""
    nodes = [helper.make_node("ReduceSum", ["x", "axis"], ["y"], keepdims=0)]
    if centred:
        nodes = [
            helper.make_node("ReduceMean", ["x", "rows"], ["mean"]),
            helper.make_node("Sub", ["x", "mean"], ["centred"]),
            helper.make_node("ReduceSum", ["centred", "axis"], ["y"], keepdims=0),
        ]
    return model(
        nodes,
        {"x": ("FP64", ["rows", 1000])},
        {"y": ("FP64", ["rows"])},
        axis=np.array([1]),
        rows=np.array([0]),
    )


def ones(rows: int) -> Call:
    """A request in JSON of which the tensor takes four times as many bytes; every row is another one."""
    data = np.ones((rows, 1000), dtype=np.int64)
    data[:, 0] = np.arange(rows) % 10
    tensor = {"name": "x", "datatype": "FP64", "shape": [rows, 1000], "data": data.reshape(-1).tolist()}
    body = json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()
    return Call("POST", INFER, {"model": "summed"}, {"content-type": "application/json"}, body=body)


def test_what_one_call_cannot_carry_is_cut_by_rows(models: Path) -> None:
    """Six megabytes of tensors have the answer of one function, by several calls."""
    add_model(models, "summed", summed())
    alone, split = both(models)
    event = ones(800).event()
    assert alone.handle(event) == split.handle(event)
    assert 200 == split.handle(event).status
    calls = [event for event in split.called.events if event["httpMethod"] == "POST"]
    assert len(calls) > 3


@pytest.mark.parametrize(("centred", "toml"), [(True, ""), (False, "[jobs]\ngroup = false")])
def test_what_cannot_be_cut_is_told(models: Path, toml: str, *, centred: bool) -> None:
    """Where rows depend on each other, nothing is answered but that, with what to do."""
    add_model(models, "summed", summed(centred=centred))
    (models / "summed/model.toml").write_text(toml)
    answer = Split(models).handle(ones(800).event())
    assert 413 == answer.status
    assert answer.error.startswith("inputs or outputs of this model exceed what one call of the inference")
    assert "deploy with Serving=Monolith" in answer.error


def test_a_large_answer_is_cut_too(models: Path) -> None:
    """Outputs that one call cannot carry come by several: here for a request whose own answer is small."""
    add_model(models, "wide", identity("FP64", ["rows", 1000]))
    (models / "wide/model.py").write_text(
        "OUTPUTS = [('y', 'FP64', [-1])]\n\n"
        "def postprocess(outputs, rows):\n    return {'y': outputs['y'].sum(axis=1)}\n"
    )
    alone, split = both(models)
    event = replace(ones(800), path={"model": "wide"}).event()
    assert alone.handle(event) == split.handle(event)
    assert 200 == split.handle(event).status


def test_errors_are_those_of_one_function(models: Path) -> None:
    """Messages, statuses and headers of what the model, or the function, refuses."""
    add_model(models, "lookup", lookup())
    add_model(models, "zeros", zeros())
    add_model(models, "broken", b"no model")
    alone, split = both(models)
    for name, tensor, array in (
        ("lookup", "index", np.array([1, 7])),  # fails when it runs
        ("zeros", "n", np.array([2**40])),  # needs more memory than there is
        ("zeros", "n", np.array([2**24])),  # returns more than an answer takes
        ("broken", "x", np.array([1])),
        ("nowhere", "x", np.array([1])),
    ):
        expected = infer(alone, name, tensor, "INT64", array)
        assert expected.status != 200
        assert expected == infer(split, name, tensor, "INT64", array)
    entries = alone.post("/v2/repository/index").json()
    assert entries == split.post("/v2/repository/index").json()


def test_the_deadline_goes_with_the_call(models: Path) -> None:
    """A run is stopped where it runs, when the time of the caller is up."""
    add_model(models, "counter", counter())
    body = {"inputs": [{"name": "n", "shape": [], "datatype": "INT64", "data": [2**62]}]}
    call = Call("POST", INFER, {"model": "counter"}, body=json.dumps(body).encode())
    split = Split(models)
    split.get("/v2/models/{model}/ready", model="counter")
    answer = split.handle(call.event(), milliseconds=1_500)
    assert 504 == answer.status
    assert answer.error.startswith("the model did not answer in time; send less at once")


def test_one_request_has_one_id(models: Path) -> None:
    """The log lines of both functions name the request that the gateway did."""
    add_model(models, "pair", sum_and_difference())
    split = Split(models)
    split.get("/v2/models/{model}", model="pair")
    ids = {event["requestContext"]["requestId"] for event in split.called.events}
    assert {Invocation().aws_request_id} == ids


def test_strings_labels_and_tasks(models: Path) -> None:
    """BYTES tensors both ways, and the labels that a file holds, are those of one function."""
    add_model(models, "kind", classifier("ant", "bee"))
    add_model(models, "echo", identity("BYTES", ["rows"]))
    alone, split = both(models)
    for name, body in (("kind", b"x_0,x_1\n1,2\n3,1\n"), ("echo", b"x\nhello\n\xc3\xa4\n")):
        headers = {"content-type": "text/csv", "accept": "application/json"}
        expected = alone.post(PREDICT, body, headers, model=name)
        assert 200 == expected.status, expected.body
        assert expected == split.post(PREDICT, body, headers, model=name)
        described = alone.get("/v2/models/{model}", model=name)
        assert described == split.get("/v2/models/{model}", model=name)


def test_model_toml_is_the_fronts(models: Path) -> None:
    """Columns, labels and missing values of a signature in front do not reach the model's own tensors."""
    add_model(models, "pair", sum_and_difference())
    (models / "pair/model.py").write_text(
        "OUTPUTS = [('mark', 'FP32', [-1, 2])]\n\n"
        "def postprocess(outputs, rows):\n    return {'mark': outputs['sum']}\n"
    )
    (models / "pair/model.toml").write_text('[labels]\nmark = ["left", "right"]\n')
    alone, split = both(models)
    headers = {"content-type": "text/csv"}
    expected = alone.post(PREDICT, b"a_0,a_1,b_0,b_1\n1,2,3,4\n", headers, model="pair")
    assert b"mark_left,mark_right" in expected.body
    assert expected == split.post(PREDICT, b"a_0,a_1,b_0,b_1\n1,2,3,4\n", headers, model="pair")


def test_a_version_that_the_other_function_has_not_seen(models: Path) -> None:
    """It looks again for a version that it does not know before it says so."""
    add_model(models, "pair", sum_and_difference())
    split = Split(models, models)
    assert 200 == split.get("/v2/models/{model}", model="pair").status
    add_model(models, "pair", sum_and_difference(), version=2)
    fresh = Split(models, models)
    fresh.called.application = split.called.application
    assert ["1", "2"] == fresh.get("/v2/models/{model}", model="pair").json()["versions"]
    assert {"version": "2", "model": "pair"} == fresh.called.events[-1]["pathParameters"]


def test_the_front_starts_without_onnx_runtime() -> None:
    """Nothing that stands in front of a remote model imports ONNX Runtime or boto3."""
    code = (
        "import sys; from triptych.inference import carried; from triptych.models import remote;"
        "from triptych.tasks import open; from triptych.aws import invocation;"
        "print([name for name in ('onnxruntime', 'boto3', 'botocore') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert "[]\n" == done.stdout


def test_tasks_stay_in_front(models: Path) -> None:
    """Tokenizers and images are the front's, models the other's: texts, and what a file says of itself."""
    labels = {"id2label": {"0": "bad", "1": "good"}}
    text_exports.add_export(models, "mood", text_exports.classifier(2), HEAD | labels)
    boxes = np.zeros((6, 3), dtype=np.float32)
    boxes[:, 0] = (16, 16, 8, 8, 0.9, 0.1)
    metadata = {"task": "detect", "names": "{0: 'cat', 1: 'dog'}", "imgsz": "[32, 32]"}
    image_exports.add_export(models, "yolo", image_exports.ultralytics(boxes, **metadata))
    alone, split = both(models)
    texts = b"text\ngood film\nnot a bad film in Berlin\n"
    headers = {"content-type": "text/csv", "accept": "application/json"}
    expected = alone.post(PREDICT, texts, headers, model="mood")
    assert {"good", "bad"} >= {row["label"] for row in expected.json()["predictions"]}
    assert expected == split.post(PREDICT, texts, headers, model="mood")
    picture = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(picture, "PNG")
    call = Call("POST", PREDICT, {"model": "yolo"}, {"content-type": "image/png"}, body=picture.getvalue())
    expected = alone.handle(call.event())
    assert b"cat" in expected.body, expected.body
    assert expected == split.handle(call.event())
    assert alone.post("/v2/repository/index").json() == split.post("/v2/repository/index").json()
