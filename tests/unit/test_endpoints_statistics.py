"""Statistics over HTTP: what this process has done."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from triptych.models.statistics import Statistics

from tests.support.realtime import RealtimeFunction, add_model
from tests.support.tiny_models import sum_and_difference

STATS = "/v2/models/{model}/stats"
VERSION = "/v2/models/{model}/versions/{version}"


@pytest.fixture
def function(tmp_path: Path) -> RealtimeFunction:
    """The function over two models, one of them in two versions."""
    for name, version in (("pair", 1), ("pair", 2), ("other", 1)):
        add_model(tmp_path, name, sum_and_difference(), version)
    return RealtimeFunction(tmp_path)


def infer(function: RealtimeFunction, rows: int, version: str = "2", width: int = 2) -> int:
    """Runs a version on that many rows."""
    tensor = {"shape": [rows, width], "datatype": "FP32", "data": [0] * (rows * width)}
    message = {"inputs": [{"name": "a", **tensor}, {"name": "b", **tensor}]}
    return function.post(
        f"{VERSION}/infer", json.dumps(message).encode(), model="pair", version=version
    ).status


def stats(function: RealtimeFunction, resource: str = STATS, **path: str) -> list[dict[str, Any]]:
    """Asks for statistics."""
    answer = function.get(resource, **path)
    assert (200, {"model_stats"}) == (answer.status, set(answer.json()))
    return list(answer.json()["model_stats"])


def counts(entry: dict[str, Any]) -> tuple[int, int, int, int]:
    """Rows, executions, successes and failures."""
    inferences = entry["inference_stats"]
    return (
        entry["inference_count"],
        entry["execution_count"],
        inferences["success"]["count"],
        inferences["fail"]["count"],
    )


def test_nothing_yet(function: RealtimeFunction) -> None:
    """A model that was never run has zeros, in all that the protocol counts."""
    nothing = {"count": 0, "ns": 0}
    kinds = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")
    assert {
        "name": "other",
        "version": "1",
        "last_inference": 0,
        "inference_count": 0,
        "execution_count": 0,
        "inference_stats": dict.fromkeys((*kinds, "cache_hit", "cache_miss"), nothing),
        "batch_stats": [],
    } == stats(function, model="other")[0]


def test_counts_go_up(function: RealtimeFunction) -> None:
    """Each inference counts once, each of its rows too, and its time."""
    before = time.time_ns() // 1_000_000
    assert [200, 200] == [infer(function, 3), infer(function, 1)]
    (entry,) = stats(function, f"{VERSION}/stats", model="pair", version="2")
    assert (4, 2, 2, 0) == counts(entry)
    assert before <= entry["last_inference"] <= time.time_ns() // 1_000_000
    times = entry["inference_stats"]
    parts = [times[kind] for kind in ("compute_input", "compute_infer", "compute_output")]
    assert [2, 2, 2] == [part["count"] for part in parts]
    assert all(part["ns"] > 0 for part in parts)
    assert sum(part["ns"] for part in parts) == times["success"]["ns"]


def test_failures_count(function: RealtimeFunction) -> None:
    """An inference that fails is counted apart, with its time; a body that is no request as well."""
    assert [400, 200] == [infer(function, 1, width=3), infer(function, 1)]
    assert 400 == function.post("/v2/models/{model}/infer", b"{", model="pair").status
    (entry,) = stats(function, f"{VERSION}/stats", model="pair", version="2")
    assert (1, 1, 1, 2) == counts(entry)
    assert entry["inference_stats"]["fail"]["ns"] > 0


def test_versions_are_apart(function: RealtimeFunction) -> None:
    """Each version has its own statistics; without a version all of the model's come, the highest first."""
    infer(function, 5, version="1")
    entries = stats(function, model="pair")
    assert [("2", (0, 0, 0, 0)), ("1", (5, 1, 1, 0))] == [
        (entry["version"], counts(entry)) for entry in entries
    ]


def test_every_model(function: RealtimeFunction) -> None:
    """Of all models, those come that were run here; asking for a model's zeros does not make it one."""
    assert [] == stats(function, "/v2/models/stats")
    stats(function, model="other")
    infer(function, 1, version="2")
    infer(function, 1, version="1")
    entries = stats(function, "/v2/models/stats")
    assert [("pair", "1"), ("pair", "2")] == [(entry["name"], entry["version"]) for entry in entries]


def test_zeros_are_not_kept() -> None:
    """Asking about a version leaves nothing behind, however often and for whatever."""
    statistics = Statistics()
    for version in range(1, 100):
        assert 0 == statistics.of_version("made-up", version).rows
    assert [] == statistics.versions()
