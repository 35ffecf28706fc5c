"""Batches over HTTP: looking at them, waiting, listing, cancelling and redriving them."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest
from triptych.batches.batch import Status, execution_name
from triptych.batches.file import Part
from triptych.inference.piece import Counts
from triptych.models.repository import ModelRepository

from tests.support.batches_api import BATCH, BATCH_ID, BATCHES, KEY, LASTING, BatchesApi
from tests.support.realtime import Call
from tests.unit.fakes.storage import MemoryStorage

REDRIVE = f"{BATCH}/redrive"


@pytest.fixture
def api(tmp_path: Path) -> BatchesApi:
    """The function, which needs no model here."""
    return BatchesApi(ModelRepository([MemoryStorage(tmp_path)], 60), tmp_path)


def test_read(api: BatchesApi) -> None:
    """A batch that is done tells how many records there were, and links to what was made of its files."""
    api.succeeded()
    shown = api.call("GET", BATCH).json()
    (file,) = shown.pop("files")
    assert {
        "id": BATCH_ID,
        "status": "succeeded_with_errors",
        "source": {"keys": [KEY], "count": 1},
        "created_at": "2026-01-01T00:00:00.000Z",
        "started_at": "2026-01-01T00:00:00.000Z",
        "ended_at": "2026-01-01T00:00:00.000Z",
        "attempts": 0,
        "redrives": 0,
        "progress": {
            "records": {"read": 10, "written": 9, "failed": 1},
            "chunks": {"done": 4, "total": 4},
            "files": {"done": 1, "failed": 0, "total": 1},
        },
    } == {name: value for name, value in shown.items() if name in file or name != "records_per_second"}
    links = [api.outputs.url(f"{KEY}.{end}") for end in ("out", "errors.jsonl", "manifest.json")]
    assert links == [file["output"], file["errors"], file["manifest"]]


def test_read_while_it_runs(api: BatchesApi) -> None:
    """A batch that runs tells how many records its parts have so far."""
    api.running()
    part = Part(0, 1, True, 0, 100, Counts(7, 5, 2), "part", 50, None, ("y",), "", 10, 5, 2**20)
    assert api.store.add_part(BATCH_ID, part)
    progress = api.call("GET", BATCH).json()["progress"]
    assert {"read": 7, "written": 5, "failed": 2} == progress["records"]
    assert {"done": 1, "total": 4} == progress["chunks"]


def test_read_failed(api: BatchesApi) -> None:
    """A batch that failed tells why, and whether it may be started again."""
    api.failed(LASTING)
    assert LASTING._asdict() == api.call("GET", BATCH).json()["error"]


@pytest.mark.parametrize("identity", [str(uuid.UUID(int=1)), "x" * 5000, "../jobs", BATCH_ID.upper()])
@pytest.mark.parametrize(("method", "resource"), [("GET", BATCH), ("DELETE", BATCH), ("POST", REDRIVE)])
def test_unknown(api: BatchesApi, method: str, resource: str, identity: str) -> None:
    """A batch that is not there is a 404, whatever its id looks like."""
    api.queued()
    answer = api.call(method, resource, path={"id": identity})
    assert 404 == answer.status
    assert answer.error.startswith("there is no batch ")


def test_wait(api: BatchesApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits is answered as soon as the batch has ended."""
    api.running()
    monkeypatch.setattr(time, "sleep", lambda _seconds: api.succeeded())
    assert "succeeded_with_errors" == api.call("GET", BATCH, query={"wait": "20"}).json()["status"]


def test_wait_in_vain(api: BatchesApi) -> None:
    """When the seconds are over, the batch is shown as it is."""
    api.running()
    assert "running" == api.call("GET", BATCH, query={"wait": "1"}).json()["status"]


def test_cancel(api: BatchesApi) -> None:
    """A batch that runs is cancelled, its execution is stopped, and that is told."""
    api.running()
    answer = api.call("DELETE", BATCH)
    assert (200, "cancelled") == (answer.status, answer.json()["status"])
    assert ({BATCH_ID}, [Status.CANCELLED]) == (
        api.workflow.stopped,
        [told.status for told in api.notifier.published],
    )


def test_cancel_again(api: BatchesApi) -> None:
    """To cancel a batch again changes nothing, but that the execution is stopped if it was not."""
    api.running()
    api.workflow.broken = "no state machine"
    assert 503 == api.call("DELETE", BATCH).status
    api.workflow.broken = None
    assert 200 == api.call("DELETE", BATCH).status
    assert ({BATCH_ID}, 1) == (api.workflow.stopped, len(api.notifier.published))


def test_cancel_too_late(api: BatchesApi) -> None:
    """A batch that has ended stays what it is."""
    api.succeeded()
    answer = api.call("DELETE", BATCH)
    assert 409 == answer.status
    assert f"batch {BATCH_ID} is succeeded_with_errors: it cannot be cancelled" == answer.error


def test_redrive(api: BatchesApi) -> None:
    """A batch that failed for a reason that may pass is started again, as an execution of its own."""
    api.failed()
    answer = api.call("POST", REDRIVE)
    assert (202, "planning", 1) == (answer.status, answer.json()["status"], answer.json()["redrives"])
    assert f"../../batches/{BATCH_ID}" == answer.headers["Location"]
    assert execution_name(BATCH_ID, 1) in api.workflow.started
    assert [Status.FAILED] == [told.status for told in api.notifier.published]


def test_redrive_in_vain(api: BatchesApi) -> None:
    """A batch that would fail again is not started."""
    api.failed(LASTING)
    answer = api.call("POST", REDRIVE)
    assert 409 == answer.status
    assert f"batch {BATCH_ID} would fail again: unknown model 'rose'" == answer.error


def test_redrive_without_a_state_machine(api: BatchesApi) -> None:
    """A batch that cannot be started again is queued, and started by the next call or by its reminder."""
    api.failed()
    api.workflow.broken = "no state machine"
    assert 503 == api.call("POST", REDRIVE).status
    assert Status.QUEUED is api.store.batches[BATCH_ID].status
    assert [f'{{"start":"{BATCH_ID}"}}'] == [message for message, _ in api.queue.sent]
    api.workflow.broken = None
    assert 202 == api.call("POST", REDRIVE).status


def test_redrive_without_a_queue(api: BatchesApi) -> None:
    """Where no reminder can be sent, a batch stays as it is."""
    failed = api.failed()
    api.queue.broken = "no queue"
    assert 503 == api.call("POST", REDRIVE).status
    assert failed.error == api.store.batches[BATCH_ID].error


def test_list(api: BatchesApi) -> None:
    """The newest batches come first, page by page."""
    ids = [str(uuid.UUID(int=number)) for number in range(3)]
    for identity in ids:
        api.queued(identity)
        api.clock.advance(1)
    page = api.call("GET", BATCHES, query={"limit": "2"}).json()
    rest = api.call("GET", BATCHES, query={"limit": "2", "next": page["next"]}).json()
    assert ids[::-1] == [batch["id"] for batch in (*page["batches"], *rest["batches"])]
    assert "next" not in rest


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "queued"}, {1, 2}),
        ({"status": "failed"}, {3}),
        ({"model": "penguins"}, {1, 3}),
        ({"model": "digits", "status": "queued"}, {2}),
        ({"model": "digits", "status": "failed"}, set()),
    ],
)
def test_list_some(api: BatchesApi, query: dict[str, str], expected: set[int]) -> None:
    """Only batches of a model, or in a status, are listed where that is asked for."""
    api.queued(str(uuid.UUID(int=1)))
    api.queued(str(uuid.UUID(int=2)), "digits/1/a.npy")
    failed = api.failed()._replace(id=str(uuid.UUID(int=3)))
    api.store.batches = {
        identity: batch for identity, batch in api.store.batches.items() if identity != BATCH_ID
    } | {failed.id: failed}
    listed = api.call("GET", BATCHES, query=query).json()["batches"]
    assert expected == {uuid.UUID(batch["id"]).int for batch in listed}


@pytest.mark.parametrize(
    "query", [{"status": "lost"}, {"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"next": "x"}]
)
def test_list_refused(api: BatchesApi, query: dict[str, str]) -> None:
    """A parameter that is not what it may be is named."""
    answer = api.call("GET", BATCHES, query=query)
    assert 400 == answer.status
    assert answer.error.startswith(f"{next(iter(query))}: expected ")


def test_without_records(api: BatchesApi) -> None:
    """Where records cannot be read, the answer says so and that it may pass."""
    api.store.broken = "no table"
    event = Call("GET", BATCHES).event()
    assert 503 == api.function.handle(event).status
