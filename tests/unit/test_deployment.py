"""What functions are made of: each of what it needs, and of no more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from triptych.deployment import Deployment
from triptych.errors import ServiceUnavailable
from triptych.jobs.reaper import Reaper, Swept
from triptych.settings import from_environment, jobs_from_environment

from tests.support.realtime import Invocation

ROOT = Path(__file__).parents[2]
LETTERS = json.loads((ROOT / "events/job-dead-letters.json").read_text())
TICK = json.loads((ROOT / "events/job-sweep.json").read_text())
ENVIRONMENT = {
    "MODEL_REPOSITORY": "/opt/models",
    "AWS_REGION": "us-east-1",
    **dict.fromkeys(("JOBS_TABLE", "RESULTS_BUCKET"), "name"),
    **dict.fromkeys(("BATCHES_TABLE", "INPUT_BUCKET", "OUTPUT_BUCKET"), "name"),
    "JOBS_TOPIC_ARN": "arn:aws:sns:us-east-1:0:jobs",
    "BATCHES_TOPIC_ARN": "arn:aws:sns:us-east-1:0:batches",
}
ROWS, MODELS, AWS = {"arro3.core"}, {"numpy", "onnxruntime"}, {"botocore"}
OTHER_APIS = {f"triptych.http.{name}" for name in ("openai", "rerank", "pipelines", "failures")}
NEVER = {"boto3", "s3transfer", "aws_lambda_powertools"}
SPARED = {
    "realtime(Path('api'))": ROWS | AWS | OTHER_APIS,
    "jobs()": ROWS | MODELS,
    "job_worker()": NEVER,
    "job_keeper()": ROWS | MODELS,
    "uploads()": NEVER,
    "steps()": NEVER,
    "batches()": {"onnxruntime"},
}


@pytest.mark.parametrize("function", SPARED)
def test_a_function_imports_only_what_it_is_made_of(function: str) -> None:
    """Large libraries that a function does not use would only make its cold start longer."""
    spared = sorted(SPARED[function] | NEVER)
    program = (
        "import sys; from pathlib import Path; from triptych.deployment import Deployment\n"
        f"Deployment().{function}\n"
        f"print([name for name in {spared} if name in sys.modules])"
    )
    result = subprocess.run(  # noqa: S603 - runs only the lines above
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert "[]\n" == result.stdout


def test_there_is_one_of_each_part() -> None:
    """A part that two others share is built once, and not before it is asked for."""
    deployment = Deployment(from_environment(ENVIRONMENT))
    assert "repository" not in vars(deployment)
    assert deployment.repository is deployment.repository


def test_the_keeper_ends_dead_letters_and_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are dead letters, any other event is a tick; a failed sweep is an error of the function."""
    swept = [Swept(3, 0), Swept(1, 2)]
    monkeypatch.setattr(Reaper, "sweep", lambda _self, _deadline: swept.pop(0))
    monkeypatch.setattr(
        Reaper, "end_dead_letters", lambda _self, deliveries, _: dict.fromkeys(map(message_id, deliveries))
    )
    keeper = Deployment(from_environment(ENVIRONMENT), jobs_from_environment(ENVIRONMENT)).job_keeper()
    assert {"batchItemFailures": []} == keeper(LETTERS, Invocation())
    assert {"settled": 3, "failed": 0} == keeper(TICK, Invocation())
    with pytest.raises(ServiceUnavailable, match="2 jobs could not be settled, 1 were"):
        keeper(TICK, Invocation())


def message_id(delivery: Any) -> str:  # noqa: ANN401 - of the fake above
    """Returns the id of a delivered message."""
    found: str = delivery.message_id
    return found
