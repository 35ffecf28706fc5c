"""Batches whose functions die, or are told everything twice."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import numpy as np

from local.emulator import Emulator
from tests.e2e.emulated_workers import kill_workers
from tests.e2e.job_requests import rows_csv
from tests.e2e.listener import Listener
from tests.support.dropped_files import DroppedFiles, Json, awaited

ROWS = 5_000
TWICE = 2
PADDING = "-" * 1_200


def test_a_killed_worker_costs_nothing(files: DroppedFiles, guarded_emulator: Emulator) -> None:
    """Where workers are killed in the middle, chunks are made in smaller parts, each row once."""
    key = "penguins/killed.csv"
    worker = files.stack.resources["BatchStepsFunction"]
    event = files.drop(key, _slow_rows(), lookup="true", key="id", join="id")
    for _ in range(TWICE):
        _await_progress(files, files.batch_of(event))
        assert kill_workers(guarded_emulator, worker)
    manifest = files.manifest(event)

    assert ("succeeded", ROWS) == (manifest["status"], manifest["records"]["written"])
    assert len(manifest["parts"]) > manifest["chunks"]
    assert list(map(str, range(ROWS))) == _ids(files.output(key))


def test_an_upload_that_is_told_again_and_again_is_one_batch(files: DroppedFiles) -> None:
    """S3 tells of a file, so do two others at the same time, and one when all is over."""
    key = f"penguins/told-{uuid4()}.csv"
    listener = Listener(files.stack)
    listener.subscribe("BatchesTopicArn", status=["succeeded"])
    event = files.drop(key, rows_csv(np.random.default_rng(71), 1000))
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: files.invoke("BatchFunction", event), range(TWICE)))
    manifest = files.manifest(event)
    batch = files.ended(files.batch_of(event))
    files.invoke("BatchFunction", event)

    assert ("succeeded", 1000) == (batch["status"], batch["progress"]["records"]["written"])
    assert 1001 == files.output(key).count(b"\n")
    assert manifest == files.manifest(event)
    assert _unsigned(batch) == _unsigned(files.batch(batch["id"]))
    assert 1 == sum([key] == made["source"].get("keys") for made in _newest(files))
    assert batch["id"] in {heard["batchId"] for heard in listener.heard()}


def _unsigned(batch: Json) -> str:
    """Writes a batch without the signatures of its URLs, which are new with every second."""
    return re.sub(r"\?[^\"]*X-Amz-Signature=[^\"]*", "", json.dumps(batch))


def test_two_executions_of_a_batch_make_its_output_once(files: DroppedFiles) -> None:
    """Two state machines go through the same batch side by side, and each row is there once."""
    key = "penguins/twice.csv"
    event = files.drop(key, _slow_rows(), lookup="true", key="id", join="id")
    batch = files.batch_of(event)
    awaited(lambda: files.found(batch, "running"))
    second = _execute(files, batch)
    files.invoke("BatchFunction", event)
    manifest = files.manifest(event)

    assert "SUCCEEDED" == awaited(lambda: _status(files, second))
    assert ("succeeded", ROWS) == (manifest["status"], manifest["records"]["written"])
    assert _without_times(manifest) == _without_times(files.manifest(event))  # written by both, perhaps
    assert list(map(str, range(ROWS))) == _ids(files.output(key))


def test_a_file_that_is_replaced_while_it_is_transformed(files: DroppedFiles) -> None:
    """What is there in the end is of the later upload; the batch of the earlier one says why it failed."""
    key = "penguins/replaced.csv"
    first = files.drop(key, _slow_rows(), lookup="true", key="id", join="id")
    awaited(lambda: files.found(files.batch_of(first), "running"))
    second = files.drop(key, rows_csv(np.random.default_rng(72), 10))
    manifest = files.manifest(second)
    replaced = files.ended(files.batch_of(first))

    assert "failed" == replaced["status"]
    assert "replaced by a newer upload" in replaced["error"]["message"]
    assert (manifest["batch"], 10) == (files.batch_of(second), manifest["records"]["written"])
    assert manifest == files.manifest(second)
    assert 11 == files.output(key).count(b"\n")


def test_a_batch_is_stopped(files: DroppedFiles) -> None:
    """A batch that is cancelled while it runs stays cancelled, has no output, and cannot be started again."""
    key = f"penguins/cancelled-{uuid4()}.csv"
    batch = files.batch_of(files.drop(key, _slow_rows(), lookup="true", key="id"))
    _await_progress(files, batch)
    answers = [files.request("DELETE", f"/v2/batches/{batch}") for _ in range(TWICE)]

    assert [200, 200] == [answer.status_code for answer in answers]
    assert ["cancelled", "cancelled"] == [answer.json()["status"] for answer in answers]
    assert "ABORTED" == awaited(lambda: _status(files, _execution(files, batch)))
    assert 409 == files.request("POST", f"/v2/batches/{batch}/redrive").status_code
    assert files.made(f"{key}.out") is None
    assert files.made(f"{key}.manifest.json") is None


def _execution(files: DroppedFiles, batch: str) -> str:
    """ARN of the execution of a batch."""
    machine = files.stack.resources["BatchStateMachine"]
    return f"{machine.replace(':stateMachine:', ':execution:')}:{batch}"


def _execute(files: DroppedFiles, batch: str) -> str:
    machine = files.stack.resources["BatchStateMachine"]
    started = files.client("stepfunctions").start_execution(
        stateMachineArn=machine, name=f"{batch}-beside", input=json.dumps({"batch": batch})
    )
    execution: str = started["executionArn"]
    return execution


def _status(files: DroppedFiles, execution: str) -> str | None:
    status: str = files.client("stepfunctions").describe_execution(executionArn=execution)["status"]
    return None if status == "RUNNING" else status


def _without_times(manifest: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in manifest.items() if name not in {"timings", "throughput"}}


def _slow_rows() -> bytes:
    """Long rows, whose predictions are kept for lookups: a chunk has few, and takes as long as they do."""
    head, *rows = rows_csv(np.random.default_rng(70), ROWS).decode().splitlines()
    long = (f"{row},{number},{PADDING}" for number, row in enumerate(rows))
    return "\n".join([f"{head},id,note", *long, ""]).encode()


def _ids(output: bytes) -> list[str]:
    head, *lines = output.decode().splitlines()
    column = head.split(",").index("id")
    return [line.split(",")[column] for line in lines]


def _await_progress(files: DroppedFiles, batch: str) -> None:
    """Waits until one more chunk is done, which is when workers are at others."""
    done = _chunks_done(files, batch)
    awaited(lambda: _chunks_done(files, batch) > done or None)


def _chunks_done(files: DroppedFiles, batch: str) -> int:
    """How many chunks are done; 0 where nobody has heard of the batch yet."""
    answer = files.request("GET", f"/v2/batches/{batch}")
    progress: dict[str, Any] = answer.json().get("progress", {})
    return int(progress.get("chunks", {}).get("done", 0))


def _newest(files: DroppedFiles) -> list[dict[str, Any]]:
    newest: list[dict[str, Any]] = files.request("GET", "/v2/batches?limit=100").json()["batches"]
    return newest
