"""Looking predictions up that batches made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from triptych.batches.lookup import Origin
from triptych.inference.piece import Prediction
from triptych.models.repository import ModelRepository

from tests.support.batch_fakes import AT_ONCE
from tests.support.batches_api import BATCH_ID, BatchesApi
from tests.support.job_fakes import NOW
from tests.support.realtime import Answer
from tests.unit.fakes.storage import MemoryStorage

ONE = "/v2/models/{model}/predictions/{key}"
MANY = "/v2/models/{model}/predictions:lookup"
ROW = {"user_id": 15, "items": [1, 2]}


@pytest.fixture
def api(tmp_path: Path) -> BatchesApi:
    """The function, with predictions for two users."""
    api = BatchesApi(ModelRepository([MemoryStorage(tmp_path)], 60), tmp_path)
    api.predicted()
    return api


def look_up(api: BatchesApi, said: object) -> Answer:
    """Looks many up."""
    return api.call("POST", MANY, json.dumps(said).encode(), path={"model": "recommender"})


def test_one(api: BatchesApi) -> None:
    """The prediction for a key comes with the batch and the version that made it."""
    answer = api.call("GET", ONE, path={"model": "recommender", "key": "15"})
    assert 200 == answer.status
    assert {
        "model_name": "recommender",
        "key": "15",
        "prediction": ROW,
        "model_version": "1",
        "batch": BATCH_ID,
        "batch_created_at": "2026-01-01T00:00:00.000Z",
    } == answer.json()


def test_labels(api: BatchesApi) -> None:
    """Names of the entries of lists come with the prediction."""
    labels = {"items": ["first", "second"]}
    api.predictions.put([Prediction("17", ROW, labels)], Origin("recommender", 1, BATCH_ID, NOW), AT_ONCE)
    answer = api.call("GET", ONE, path={"model": "recommender", "key": "17"})
    assert (ROW, labels) == (answer.json()["prediction"], answer.json()["labels"])


@pytest.mark.parametrize(("sent", "key"), [("a%2Fb", "a/b"), ("a%20%C3%A4", "a ä"), ("100%25", "100%")])
def test_keys_are_decoded(api: BatchesApi, sent: str, key: str) -> None:
    """A key in a path is percent-encoded, and may hold anything."""
    api.predictions.put([Prediction(key, {"y": 1})], Origin("recommender", 1, BATCH_ID, NOW), AT_ONCE)
    assert key == api.call("GET", ONE, path={"model": "recommender", "key": sent}).json()["key"]


@pytest.mark.parametrize(("model", "key"), [("recommender", "17"), ("penguins", "15"), ("no/model", "15")])
def test_none(api: BatchesApi, model: str, key: str) -> None:
    """A key that has no prediction is a 404."""
    assert 404 == api.call("GET", ONE, path={"model": model, "key": key}).status


def test_many(api: BatchesApi) -> None:
    """Predictions come in the order of the keys, each once; keys that have none are listed."""
    said = look_up(api, {"keys": ["17", 16, "15", "16"]}).json()
    assert ["16", "15"] == [found["key"] for found in said["predictions"]]
    assert (["17"], ROW) == (said["missing"], said["predictions"][1]["prediction"])


def test_as_many_as_a_request_may_name(api: BatchesApi) -> None:
    """A thousand keys are looked up; most of these have no prediction."""
    said = look_up(api, {"keys": ["15", *(f"x{number}" for number in range(999))]}).json()
    assert (1, 999) == (len(said["predictions"]), len(said["missing"]))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, 'expected {"keys": [...]}'),
        ({"kyes": ["15"]}, "unknown field 'kyes' (did you mean 'keys'?); fields are keys"),
        ({"keys": "15"}, 'expected {"keys": [...]}'),
        ({"keys": [1.5]}, 'expected {"keys": [...]}'),
        ({"keys": [True]}, 'expected {"keys": [...]}'),
        ({"keys": []}, "keys: expected 1 to 1000 keys, got 0"),
        ({"keys": ["x"] * 1001}, "keys: expected 1 to 1000 keys, got 1001"),
    ],
)
def test_many_refused(api: BatchesApi, said: object, message: str) -> None:
    """What is no list of keys is refused."""
    answer = look_up(api, said)
    assert 400 == answer.status
    assert answer.error.startswith(message)
