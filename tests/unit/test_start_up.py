"""The time that a caller waits for a function to start, which API Gateway counts and Lambda does not."""

from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import triptych
from triptych.deployment import Deployment
from triptych.http import application
from triptych.settings import from_environment

MODELS = {"MODEL_REPOSITORY": "/opt/models"}
ON_DEMAND = MODELS | {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}
JOBS = {
    **dict.fromkeys(("JOBS_TABLE", "RESULTS_BUCKET"), "jobs"),
    "JOBS_TOPIC_ARN": "arn:aws:sns:us-east-1:0:jobs",
    "AWS_REGION": "us-east-1",
}
BATCHES = {
    **dict.fromkeys(("BATCHES_TABLE", "INPUT_BUCKET", "OUTPUT_BUCKET", "BATCH_WORK_BUCKET"), "batches"),
    **dict.fromkeys(("PREDICTIONS_TABLE", "BATCH_STATE_MACHINE_ARN"), "batches"),
    "BATCHES_TOPIC_ARN": "arn:aws:sns:us-east-1:0:batches",
}


def test_the_time_of_the_start_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs from the first line of the package to the moment when all is ready."""
    monkeypatch.setattr(triptych, "LOADED_AT", monotonic() - 3)
    assert 3 == pytest.approx(Deployment(from_environment(ON_DEMAND)).start_up_seconds(), abs=0.5)


@pytest.mark.parametrize("start", ["provisioned-concurrency", "snap-start", ""])
def test_nobody_waits_for_what_starts_ahead(start: str) -> None:
    """An environment that is ready before a request comes, or is restored, does not take from its time."""
    settings = from_environment(MODELS | {"AWS_LAMBDA_INITIALIZATION_TYPE": start})
    assert 0 == Deployment(settings).start_up_seconds()


@pytest.mark.parametrize("function", ["realtime", "jobs", "batches"])
def test_every_function_behind_the_gateway_counts_its_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, function: str
) -> None:
    """Those that answer at once do, as do those whose callers may wait for jobs and batches."""
    for name, value in (ON_DEMAND | JOBS | BATCHES).items():
        monkeypatch.setenv(name, value)
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr(application, "Application", lambda *parts: made.append(parts))
    monkeypatch.setattr(triptych, "LOADED_AT", monotonic() - 3)
    make = getattr(Deployment(), function)
    make(*([tmp_path] if function == "realtime" else []))
    assert 3 == pytest.approx(made[0][3], abs=1)
