"""Handing files over as a batch, and asking what that would do."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from triptych.batches.batch import BatchSource, Status
from triptych.batches.submission import MAX_KEYS, all_keys
from triptych.lifecycle.store import plain
from triptych.models.repository import ModelRepository
from triptych.rows.options import BatchOptions

from tests.support.batches_api import BATCHES, BatchesApi
from tests.support.realtime import Answer, Call
from tests.unit.fakes.storage import MemoryStorage

PREFIX = {"prefix": "iris/new/"}


@pytest.fixture
def api(tmp_path: Path) -> BatchesApi:
    """The function, with a model in two versions."""
    place = MemoryStorage(tmp_path, {"iris": {1: "one", 2: "two"}}, {"iris": "key = 'id'\n"})
    return BatchesApi(ModelRepository([place], 60), tmp_path)


def submit(api: BatchesApi, said: Any, key: str | None = None) -> Answer:  # noqa: ANN401 - any JSON
    """Hands a batch over."""
    headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
    return api.call("POST", BATCHES, json.dumps(said).encode(), headers=headers)


def test_prefix(api: BatchesApi) -> None:
    """A prefix is a batch, which the state machine has at once."""
    answer = submit(api, {**PREFIX, "only_new": True, "target": "nightly"})
    shown = answer.json()
    assert (202, "planning", "nightly") == (answer.status, shown["status"], shown["target"])
    assert f"batches/{shown['id']}" == answer.headers["Location"]
    assert {shown["id"]: shown["id"]} == api.workflow.started
    assert BatchSource(prefix="iris/new/", only_new=True) == api.store.batches[shown["id"]].source
    assert [shown["id"]] == [batch.id for batch in api.observer.accepted]


def test_keys(api: BatchesApi) -> None:
    """Listed keys are a batch, each of them once; options and model are kept."""
    said = {
        "model": "iris",
        "version": "1",
        "keys": ["b.csv", "a.csv", "b.csv"],
        "options": {"join": "all", "tolerance": 0.5},
    }
    batch = api.store.batches[submit(api, said).json()["id"]]
    assert ("iris", 1, ("b.csv", "a.csv")) == (batch.model, batch.version, batch.source.keys)
    assert BatchOptions(join="all", tolerance=0.5) == batch.options


def test_many_keys(api: BatchesApi) -> None:
    """Of a long list the record holds the first keys; all of them are in the bucket for work."""
    keys = [f"{model}/{number:0200}.csv" for number in range(MAX_KEYS // 2) for model in ("iris", "rose")]
    shown = submit(api, {"keys": keys}, "k").json()
    batch = api.store.batches[shown["id"]]
    assert len(orjson.dumps(plain(batch))) < 4096
    assert (keys[:9], MAX_KEYS) == (shown["source"]["keys"], shown["source"]["count"])
    assert tuple(keys) == all_keys(api.work, batch.source)
    assert shown["id"] == submit(api, {"keys": keys}, "k").json()["id"]
    assert 409 == submit(api, {"keys": [*keys[:-1], "rose/other.csv"]}, "k").status
    for model, found in (("iris", 1), ("rose", 1), ("tulip", 0)):
        assert found == len(api.call("GET", BATCHES, query={"model": model}).json()["batches"])


def test_compressed(api: BatchesApi) -> None:
    """A long list of keys may come compressed."""
    body = gzip.compress(json.dumps(PREFIX).encode())
    assert 202 == api.call("POST", BATCHES, body, headers={"Content-Encoding": "gzip"}).status


@pytest.mark.parametrize(
    ("said", "status", "message"),
    [
        ({}, 400, "expected either 'prefix'"),
        ({**PREFIX, "keys": ["iris/a.csv"]}, 400, "expected either 'prefix'"),
        ({"prefix": ""}, 400, "prefix: expected text of 1 to 1024 bytes"),
        ({"prefix": 3}, 400, "prefix: expected text of 1 to 1024 bytes, got '3'"),
        ({"keys": []}, 400, "keys: expected a list"),
        ({"keys": ["x" * 1025]}, 400, "keys: expected a list of keys of 1 to 1024 bytes"),
        ({"keys": [f"iris/{n}.csv" for n in range(MAX_KEYS + 1)]}, 400, f"one batch lists {MAX_KEYS} keys"),
        ({"keys": ["a.csv"]}, 400, "expected <model>/<file>"),
        ({"keys": ["iris/"]}, 400, "keys: 'iris/' is a folder; list its files, or send it as 'prefix'"),
        ({"keys": ["a/"], "model": "iris"}, 400, "keys: 'a/' is a folder"),
        ({"keys": ["iris/a.txt"]}, 415, "its name must end in one of .csv"),
        ({"keys": ["a.txt"], "model": "iris"}, 415, "its name must end in one of .csv"),
        ({"keys": ["iris/a.csv"], "only_new": True}, 400, "only_new goes with 'prefix'"),
        ({**PREFIX, "only_new": "yes"}, 400, "only_new: expected true or false"),
        ({**PREFIX, "model": "rose"}, 404, "unknown model 'rose'"),
        ({**PREFIX, "model": "iris", "version": 3}, 404, "unknown version 3"),
        ({**PREFIX, "model": "iris", "version": "x"}, 400, "expected a positive integer"),
        ({**PREFIX, "version": 1}, 400, "version: expected a model as well"),
        ({**PREFIX, "options": {"colour": 1}}, 400, "unknown option 'options.colour'"),
        ({**PREFIX, "options": {"tolerance": 2}}, 400, "options.tolerance: expected a number from 0 to 1"),
        ({**PREFIX, "options": []}, 400, "options: expected an object"),
        ({**PREFIX, "target": "a b"}, 400, "target: expected 1 to 64 letters"),
        ({**PREFIX, "dry_run": 1}, 400, "dry_run: expected true or false"),
        (
            {**PREFIX, "modle": "iris"},
            400,
            "unknown field 'modle' (did you mean 'model'?); fields are",
        ),
        ([], 400, "the body must be a JSON object"),
    ],
)
def test_refused(api: BatchesApi, said: object, status: int, message: str) -> None:
    """What is wrong about a request is said at once, and no batch is made."""
    answer = submit(api, said)
    assert (status, 0) == (answer.status, len(api.store))
    assert message in answer.error


def test_the_same_key_is_the_same_batch(api: BatchesApi) -> None:
    """A request that is sent again with its key makes one batch, and starts one execution."""
    first, again = submit(api, PREFIX, "k"), submit(api, PREFIX, "k")
    assert first.json() == again.json()
    assert (1, 1, 1) == (len(api.store), len(api.workflow.started), len(api.observer.accepted))


def test_the_same_key_for_something_else(api: BatchesApi) -> None:
    """A key that was used for other files is refused."""
    submit(api, PREFIX, "k")
    answer = submit(api, {"prefix": "iris/old/"}, "k")
    assert 409 == answer.status
    assert answer.error.startswith("the idempotency key was used for batch ")


def test_the_same_key_starts_what_was_not_started(api: BatchesApi) -> None:
    """A call that could not start its batch is completed by the next one with its key."""
    api.workflow.broken = "no state machine"
    assert 503 == submit(api, PREFIX, "k").status
    (batch,) = api.store.batches.values()
    assert Status.QUEUED is batch.status
    api.workflow.broken = None
    assert (202, batch.id) == (submit(api, PREFIX, "k").status, next(iter(api.workflow.started)))


def test_without_a_state_machine(api: BatchesApi) -> None:
    """A batch that cannot be started, and that nobody can ask for again, has failed and says why."""
    api.workflow.broken = "no state machine"
    assert 503 == submit(api, PREFIX).status
    (batch,) = api.store.batches.values()
    assert batch.error is not None
    assert (Status.FAILED, "no state machine", True) == (
        batch.status,
        batch.error.message,
        batch.error.retryable,
    )


def test_without_a_queue(api: BatchesApi) -> None:
    """A batch for which no reminder can be sent is not begun."""
    api.queue.broken = "no queue"
    assert (503, 0) == (submit(api, PREFIX).status, len(api.store))


def test_without_records(api: BatchesApi) -> None:
    """What cannot be written down is not begun."""
    api.store.broken = "no table"
    assert 503 == submit(api, PREFIX).status
    assert {} == api.workflow.started


def test_dry_run(api: BatchesApi) -> None:
    """A dry run tells of each file what would be done, what that comes to, and does nothing."""
    api.inputs.drop("iris/new/a.csv", b"x\n" + b"1\n" * 100, {"join": "all"})
    api.inputs.drop("iris/new/b.txt", b"no rows")
    plan = submit(api, {**PREFIX, "dry_run": True})
    assert (200, 0, {}) == (plan.status, len(api.store), api.workflow.started)
    said = plan.json()
    options = {
        "join": "all",
        "format": "csv",
        "key": "id",
        "lookup": False,
        "tolerance": 1.0,
        "header": True,
        "delimiter": ",",
    }
    listed = {"bytes": 202, "rows": 100, "chunks": 3, "model": "iris", "version": "2", "options": options}
    assert [{"key": "iris/new/a.csv", **listed}] == said["listed"]
    assert ["iris/new/b.txt"] == [file["key"] for file in said["refused"]]
    assert (1, 202, 3) == (said["files"], said["bytes"], said["chunks"])
    cost = said["estimated_cost"]
    parts = sum(cost[name] for name in cost if name != "total_usd")
    assert 0 < cost["total_usd"] == pytest.approx(parts, abs=3e-6)
    assert 5 <= said["estimated_seconds"] < 6


def test_dry_run_in_time(api: BatchesApi) -> None:
    """Where the function has no time left to look at all files, the answer says at how many it looked."""
    for name in "abc":
        api.inputs.drop(f"iris/new/{name}.csv", b"x\n1\n")
    body = json.dumps({**PREFIX, "only_new": True, "dry_run": True}).encode()
    said = api.function.handle(Call("POST", BATCHES, body=body).event(), milliseconds=1000).json()
    assert (1, 1) == (said["looked_at"], said["files"])


def test_files_are_not_looked_for_in_the_call(api: BatchesApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is accepted at once, however many files its prefix has: the state machine finds them."""

    def unwanted(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(api.inputs, "list", unwanted)
    monkeypatch.setattr(api.inputs, "find", unwanted)
    assert 202 == submit(api, {**PREFIX, "only_new": True}).status


def test_dry_run_without_files(api: BatchesApi) -> None:
    """Where there are no files, nothing would be done."""
    said = submit(api, {**PREFIX, "dry_run": True}).json()
    assert (0, 0, 0, [], []) == (
        said["files"],
        said["chunks"],
        said["estimated_seconds"],
        said["listed"],
        said["refused"],
    )


def test_dry_run_of_many_files(api: BatchesApi) -> None:
    """Of many files the first ones are looked at, and all are counted."""
    for number in range(103):
        api.inputs.drop(f"iris/new/{number:03}.csv", b"x\n1\n")
    said = submit(api, {**PREFIX, "dry_run": True}).json()
    assert (103, 103 * 4, 103, 100) == (said["files"], said["bytes"], said["chunks"], len(said["listed"]))
    assert ("rows" in said, said["estimated_rows"], said["listed"][0]["rows"]) == (False, 103, 1)


def test_dry_run_of_lookups(api: BatchesApi) -> None:
    """Predictions that are kept for lookups are in the time and in the price; others are not."""
    rows = b"".join(b"%d,%d\n" % (number, number) for number in range(50_000))
    asked = {**PREFIX, "dry_run": True}
    api.inputs.drop("iris/new/a.csv", b"id,x\n" + rows)
    without = submit(api, asked).json()
    api.inputs.drop("iris/new/a.csv", b"id,x\n" + rows, {"lookup": "true"})
    said = submit(api, asked).json()
    assert 50_000 == pytest.approx(said["estimated_rows"], rel=0.1)
    written = said["estimated_cost"]["records_usd"] - without["estimated_cost"]["records_usd"]
    assert said["estimated_rows"] * 0.625e-6 == pytest.approx(written, rel=0.01)
    seconds = said["estimated_seconds"] - without["estimated_seconds"]
    assert said["estimated_rows"] / 2000 == pytest.approx(seconds, rel=0.1)  # half of 4,000 a second
    assert said["estimated_cost"]["compute_usd"] > without["estimated_cost"]["compute_usd"]


@pytest.mark.parametrize("key", ["iris/new/a.csv.gz", "iris/new/a.csv.zst"])
def test_dry_run_of_what_is_not_compressed(api: BatchesApi, key: str) -> None:
    """A file that is not what its name says is refused before it is tried."""
    api.inputs.drop(key, b"x\n1\n")
    (refused,) = submit(api, {**PREFIX, "dry_run": True}).json()["refused"]
    assert "the file is not valid" in refused["error"]["message"]


def test_dry_run_of_a_missing_file(api: BatchesApi) -> None:
    """A key that is not there is told."""
    said = submit(api, {"keys": ["iris/a.csv"], "dry_run": True}).json()
    (refused,) = said["refused"]
    assert ("NotFound", "there is no file 'iris/a.csv'") == (
        refused["error"]["type"],
        refused["error"]["message"],
    )


def test_dry_run_of_a_folder_of_digits(api: BatchesApi) -> None:
    """Whoever meant a folder learns that it is taken for a version."""
    api.inputs.drop("iris/2026/a.csv", b"x\n1\n")
    (refused,) = submit(api, {"prefix": "iris/", "dry_run": True}).json()["refused"]
    assert "unknown version 2026" in refused["error"]["message"]
    assert "digits after the model are its version" in refused["error"]["message"]
