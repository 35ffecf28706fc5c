"""Jobs through the deployed functions, over an account of AWS in this process, where nothing gets lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from onnx import helper
from triptych.aws.clients import AwsClients
from triptych.jobs.job import Job, Status

from tests.support.job_machine_invariants import content_of
from tests.support.job_machine_world import World
from tests.support.realtime import add_model
from tests.support.tiny_models import Shape, lookup, model, sum_and_difference
from tests.support.workshop import entries, sums

SUBMIT = ("POST", "/v2/models/{model}/jobs")


@pytest.fixture
def world(tmp_path: Path, aws: None) -> Iterator[World]:  # noqa: ARG001 - it is created there
    """The functions, an empty account, and two models."""
    add_model(tmp_path / "models", "adder", sum_and_difference())
    add_model(tmp_path / "models", "lookup", lookup())
    world = World(tmp_path, AwsClients())
    world.deadly, world.every = False, 0
    yield world
    world.faults.remove()  # calls of other tests are not watched


def submitted(world: World, model: str, body: bytes, content_type: str | None = None) -> str:
    """Submits a job over HTTP; returns its id."""
    headers = {"Content-Type": content_type} if content_type else {}
    answer = world.call(*SUBMIT, {"model": model}, body=body, headers=headers)
    assert 202 == answer.status
    world.collect()
    return str(answer.json()["id"])


def worked(world: World) -> dict[str, Job]:
    """Delivers all messages to the worker at once; returns the records of all jobs."""
    world.deliver(list(range(len(world.queue.messages))))
    return world.account.jobs()


def result_of(world: World, job: Job) -> bytes:
    """Returns the result of a job."""
    assert job.result is not None, job.error
    return content_of(job.result, world.account.results())


def test_jobs_are_run_and_told(world: World) -> None:
    """Each job has its own result; subscribers are notified of each end, and no message is left."""
    tensors = [submitted(world, "adder", sums(number, 1.0)) for number in (1.0, 2.0)]
    rows = submitted(world, "lookup", b"index\n0\n2\n", "text/csv")
    wrong = submitted(world, "lookup", entries(0, 7))
    jobs = worked(world)
    answers = [json.loads(result_of(world, jobs[job])) for job in tensors]
    assert [2.0, 3.0] == [answer["outputs"][0]["data"][0] for answer in answers]
    assert 3 == result_of(world, jobs[rows]).count(b"\n")
    assert Status.FAILED is jobs[wrong].status
    assert "idx=7" in str(jobs[wrong].error)
    told = {message["inferenceId"]: message["invocationStatus"] for message in world.account.told()}
    assert {**dict.fromkeys([*tensors, rows], "Completed"), wrong: "Failed"} == told
    assert {job.ended for job in jobs.values()} == {world.clock()}
    assert [] == world.queue.messages


def test_a_large_job_is_run_by_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large for memory is run on the disk, in a directory that is empty afterwards."""
    monkeypatch.setattr("triptych.jobs.attempts.MAX_IN_MEMORY", 1000)
    body = b"index\n" + b"0\n1\n2\n" * 60_000
    job = submitted(world, "lookup", body, "text/csv")
    found = worked(world)[job]
    assert (Status.SUCCEEDED, None) == (found.status, found.error)
    assert body.count(b"\n") == result_of(world, found).count(b"\n")


def test_a_job_that_is_given_up_and_one_that_expires(world: World) -> None:
    """The keeper ends what is in the dead-letter queue, and by sweeps what nobody has run in time."""
    given_up, expired = (submitted(world, "adder", sums()) for _ in range(2))
    world.letters.messages = world.queue.messages[:1]
    world.queue.messages = []
    for _ in range(2):
        world.bury([0])
    world.clock.now += 90_000_000
    world.sweep()
    jobs = world.account.jobs()
    assert [Status.FAILED, Status.EXPIRED] == [jobs[job].status for job in (given_up, expired)]
    error = jobs[given_up].error
    assert error is not None
    assert error.retryable
    told = {message["inferenceId"]: message["invocationStatus"] for message in world.account.told()}
    assert dict.fromkeys((given_up, expired), "Failed") == told


def test_jobs_of_a_model_whose_rows_are_not_independent(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They run one by one, and a line in the log says why and what to write into model.toml."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    column: tuple[str, Shape] = ("FP32", ["rows", 1])
    add_model(tmp_path / "models", "centred", model(nodes, {"x": column}, {"y": column}))
    for number in range(4):
        tensor = {"name": "x", "datatype": "FP32", "shape": [2, 1], "data": [number, 3.0 * number + 1]}
        submitted(world, "centred", json.dumps({"inputs": [tensor]}).encode())
    with caplog.at_level("WARNING", logger="triptych"):
        assert {Status.SUCCEEDED} == {job.status for job in worked(world).values()}
    assert "model centred, version 1: its rows are not independent" in caplog.text
