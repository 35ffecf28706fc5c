"""What AWS charges for a small job, counted call by call, as the cost model has it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from triptych.aws.clients import AwsClients

from costs import ways
from tests.support.job_machine_world import World
from tests.support.meter import Meter
from tests.support.realtime import Invocation, add_model
from tests.support.tiny_models import sum_and_difference
from tests.support.workshop import sums

JOBS = 10
EVENT = 26
"""Bytes that CloudWatch Logs adds to each line."""


@pytest.fixture
def world(tmp_path: Path, aws: None) -> World:  # noqa: ARG001 - it is created there
    """The functions, an empty account, and a model whose jobs are known to run together."""
    add_model(tmp_path / "models", "adder", sum_and_difference())
    (tmp_path / "models" / "adder" / "model.toml").write_text("[jobs]\ngroup = true\n")
    world = World(tmp_path, AwsClients())
    world.deadly, world.every = False, 0
    world.faults.remove()  # its history reads every record that is written
    return world


def submit(world: World) -> list[str]:
    """Submits jobs over HTTP; returns their ids."""
    submitting = ("POST", "/v2/models/{model}/jobs", {"model": "adder"})
    return [str(world.call(*submitting, body=sums()).json()["id"]) for _ in range(JOBS)]


def work(world: World, meter: Meter) -> None:
    """Counts what one invocation of the worker takes for all messages."""
    world.collect()
    event = {"Records": [message.record(world.clock()) for message in world.queue.messages]}
    world.queue.messages = []
    with meter.counting():
        assert [] == world.functions.worker(event, Invocation())["batchItemFailures"]


def test_calls(world: World) -> None:
    """No call of S3, two calls for each job in the worker, and by tens what can go by tens."""
    meter = Meter()
    with meter.counting():
        ids = submit(world)
    assert Counter(PutItem=JOBS, SendMessage=JOBS) == meter.calls
    work(world, meter)
    with meter.counting():
        for job_id in ids:
            assert 200 == world.call("GET", "/v2/jobs/{id}/result", {"id": job_id}).status
    tens = Counter(ChangeMessageVisibilityBatch=1, PublishBatch=1, PutEvents=1)
    assert Counter(PutItem=3 * JOBS, GetItem=2 * JOBS, SendMessage=JOBS) + tens == meter.calls
    assert (ways.RECORD_WRITES * JOBS, ways.RECORD_READS * JOBS) == (meter.writes, meter.reads)


def test_log(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The cost model knows the bytes of the lines, within a tenth."""
    meter = Meter()
    submit(world)
    work(world, meter)  # the first lines are those of a cold start
    capsys.readouterr()
    submit(world)
    submitted = _bytes(line for line in capsys.readouterr().out.splitlines() if "job submitted" in line)
    work(world, meter)
    worked = _bytes(_events(capsys.readouterr().out)) + ways.LAMBDA_LOG
    assert pytest.approx(submitted / JOBS, rel=0.1) == ways.SUBMITTED_LOG
    assert pytest.approx(worked / JOBS, rel=0.1) == ways.WORKER_LOG


def test_metrics(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The cost model knows how many metrics a model has: each is paid for by the month."""
    submit(world)
    work(world, Meter())
    lines = [json.loads(line) for line in _events(capsys.readouterr().out)]
    named = {metric["Name"] for line in lines for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert ways.JOB_METRICS == len(named), named


def _events(printed: str) -> list[str]:
    """Returns the lines of events, without warnings: receipts of this queue are made up."""
    return [line for line in printed.splitlines() if '"_aws"' in line]


def _bytes(lines: Iterable[str]) -> int:
    return sum(len(line) + EVENT for line in lines)
