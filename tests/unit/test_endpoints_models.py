"""Models over HTTP: metadata, readiness, configuration."""

import json
from pathlib import Path

import pytest

from tests.support.realtime import RealtimeFunction, add_model
from tests.support.tiny_models import classifier, counter, identity, sequence, sum_and_difference

MODEL = "/v2/models/{model}"
VERSION = "/v2/models/{model}/versions/{version}"
PAIR = {"datatype": "FP32", "shape": [-1, 2]}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of models that work, and of some that do not."""
    models = tmp_path_factory.mktemp("models")
    for version in (9, 10, 1):
        add_model(models, "pair", sum_and_difference(), version)
    add_model(models, "scalar", counter())
    add_model(models, "any-rank", identity("INT8", None))
    add_model(models, "corrupt", b"not a model")
    add_model(models, "sequence", sequence())
    add_model(models, "half-corrupt", sum_and_difference(), 1)
    add_model(models, "half-corrupt", b"not a model", 2)
    add_model(models, "misconfigured", sum_and_difference())
    (models / "misconfigured/model.toml").write_text("colums = []")
    (models / "incomplete/1").mkdir(parents=True)
    return models


@pytest.fixture(scope="module")
def function(models: Path) -> RealtimeFunction:
    """The function over them."""
    return RealtimeFunction(models)


def test_metadata(function: RealtimeFunction) -> None:
    """Metadata tells all versions, and what the answering one takes and gives, -1 for a free size."""
    assert {
        "name": "pair",
        "versions": ["1", "9", "10"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "a", **PAIR}, {"name": "b", **PAIR}],
        "outputs": [{"name": "sum", **PAIR}, {"name": "difference", **PAIR}],
    } == function.get(MODEL, model="pair").json()
    assert function.get(MODEL, model="pair").json() == function.get(VERSION, model="pair", version="9").json()


def test_labels_and_description(tmp_path: Path) -> None:
    """Metadata has the names of an output's entries, from model or `model.toml`, and the description."""
    add_model(tmp_path, "churn", classifier("leaves", "stays"))
    add_model(tmp_path, "pair", sum_and_difference())
    (tmp_path / "churn/model.toml").write_text('description = "Will they leave?"')
    (tmp_path / "pair/model.toml").write_text('[labels]\nsum = ["left", "right"]')
    function = RealtimeFunction(tmp_path)
    churn, pair = (function.get(MODEL, model=model).json() for model in ("churn", "pair"))
    label = {"name": "label", "datatype": "BYTES", "shape": [-1]}
    scores = {"name": "scores", **PAIR, "parameters": {"labels": ["leaves", "stays"]}}
    assert ([label, scores], {"description": "Will they leave?"}) == (churn["outputs"], churn["parameters"])
    total = {"name": "sum", **PAIR, "parameters": {"labels": ["left", "right"]}}
    assert [total, {"name": "difference", **PAIR}] == pair["outputs"]
    assert "parameters" not in pair


@pytest.mark.parametrize("model", ["scalar", "any-rank"])
def test_no_dimensions(function: RealtimeFunction, model: str) -> None:
    """A scalar, and a model that leaves the rank open, have no dimensions to tell."""
    assert [] == function.get(MODEL, model=model).json()["inputs"][0]["shape"]
    assert [] == function.get(f"{MODEL}/config", model=model).json()["input"][0]["dims"]


def test_config(function: RealtimeFunction) -> None:
    """The configuration says the same in Triton's terms."""
    tensor = {"data_type": "TYPE_FP32", "dims": [-1, 2]}
    assert {
        "name": "pair",
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "version_policy": {"all": {}},
        "max_batch_size": 0,
        "input": [{"name": "a", **tensor}, {"name": "b", **tensor}],
        "output": [{"name": "sum", **tensor}, {"name": "difference", **tensor}],
        "parameters": {},
    } == function.get(f"{MODEL}/config", model="pair").json()
    assert "TYPE_INT8" == function.get(f"{MODEL}/config", model="any-rank").json()["input"][0]["data_type"]


def test_ready(function: RealtimeFunction) -> None:
    """A model is ready when it can be opened; the default is ready when any version is."""
    assert {"name": "pair", "ready": True} == function.get(f"{MODEL}/ready", model="pair").json()
    assert 200 == function.get(f"{VERSION}/ready", model="pair", version="9").status
    assert 200 == function.get(f"{MODEL}/ready", model="half-corrupt").status


@pytest.mark.parametrize(
    ("model", "version", "expected"),
    [
        (
            "corrupt",
            "1",
            "model 'corrupt' version 1 cannot be loaded: the model cannot be opened: Load model from",
        ),
        ("half-corrupt", "2", "model 'half-corrupt' version 2 cannot be loaded: the model cannot be opened"),
        (
            "sequence",
            "1",
            "model 'sequence' version 1 cannot be loaded: output 'y' of the model is seq(tensor(float))",
        ),
        (
            "misconfigured",
            "1",
            "model 'misconfigured' version 1 cannot be loaded: model.toml: unknown key 'colums'",
        ),
    ],
)
def test_not_ready(function: RealtimeFunction, models: Path, model: str, version: str, expected: str) -> None:
    """A version that cannot be opened is not ready, with its reason and without a path."""
    answer = function.get(f"{VERSION}/ready", model=model, version=version)
    assert 503 == answer.status
    assert answer.error.startswith(expected)
    assert str(models) not in answer.error


@pytest.mark.parametrize(
    ("model", "version", "status", "expected"),
    [
        ("rose", "1", 404, "unknown model 'rose'"),
        ("incomplete", "1", 404, "unknown model 'incomplete'"),
        ("pair", "2", 404, "unknown version 2 of model 'pair', which has 10, 9, 1"),
        ("pair", "0", 400, "version '0': expected a positive integer"),
        ("..", "1", 404, "unknown model '..'"),
    ],
)
def test_unknown(function: RealtimeFunction, model: str, version: str, status: int, expected: str) -> None:
    """What is not there is not found, whatever is asked about it."""
    for suffix in ("", "/ready", "/config", "/stats"):
        answer = function.get(VERSION + suffix, model=model, version=version)
        assert status == answer.status
        assert answer.error.startswith(expected)


def test_types_that_are_not_served(function: RealtimeFunction) -> None:
    """A model of types that the protocol cannot carry is not supported, but for ready, which says 503."""
    assert 501 == function.get(MODEL, model="sequence").status
    assert 501 == function.get(f"{MODEL}/config", model="sequence").status
    assert 503 == function.get(f"{MODEL}/ready", model="sequence").status


def test_index(function: RealtimeFunction, models: Path) -> None:
    """The index lists every version with its state, and the reason where one cannot be opened."""
    answer = function.post("/v2/repository/index")
    assert 200 == answer.status
    entries = answer.json()
    states = {(entry["name"], entry["version"]): entry["state"] for entry in entries}
    ready = [("any-rank", "1"), ("half-corrupt", "1"), ("scalar", "1")]
    ready += [("pair", version) for version in ("10", "9", "1")]
    unavailable = [
        ("corrupt", "1"),
        ("half-corrupt", "2"),
        ("incomplete", ""),
        ("misconfigured", "1"),
        ("sequence", "1"),
    ]
    assert dict.fromkeys(ready, "READY") | dict.fromkeys(unavailable, "UNAVAILABLE") == states
    assert {"READY"} == {entry["state"] for entry in entries if entry["reason"] == ""}
    assert str(models) not in json.dumps(entries)
    assert sorted(entry["name"] for entry in entries) == [entry["name"] for entry in entries]


def test_index_tells_descriptions_and_places(models: Path, tmp_path: Path) -> None:
    """What each model is, and which storage backend the version is served from where two have it."""
    add_model(tmp_path, "scalar", counter())
    (tmp_path / "scalar/model.toml").write_text('description = "Counts"')
    function = RealtimeFunction(tmp_path, models)
    entries = {entry["name"]: entry for entry in function.post("/v2/repository/index").json()}
    told = {"description": "Counts", "task": "", "storage": "directory", "hidden": ["directory"]}
    assert {"name": "scalar", "version": "1", "state": "READY", "reason": "", **told} == entries["scalar"]
    keys = ("description", "storage", "hidden")
    assert ["", "directory", []] == [entries["any-rank"][key] for key in keys]
    assert ["", "", []] == [entries["incomplete"][key] for key in keys]


def test_index_of_what_is_ready(function: RealtimeFunction) -> None:
    """The index may be asked for ready versions only; an empty object asks for all."""
    everything = function.post("/v2/repository/index", b"{}").json()
    assert everything == function.post("/v2/repository/index", b'{"ready": false}').json()
    ready = function.post("/v2/repository/index", b'{"ready": true}').json()
    assert [entry for entry in everything if entry["state"] == "READY"] == ready


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"ready": 1}', b'{"ready": "true"}'])
def test_wrong_index_request(function: RealtimeFunction, body: bytes) -> None:
    """What is asked of the index is an object with a boolean."""
    assert 400 == function.post("/v2/repository/index", body).status
