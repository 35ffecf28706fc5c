"""The events in `events/`, given to the deployed functions by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.jobs import Jobs
from local.stack import StackInfo
from tests.support import job_events
from tests.support.job_events import Event, Invoke

OTHERS = "5e2e5e2e"  # the messages in the events are for the functions in containers


@pytest.fixture
def invoke(stack: StackInfo) -> Invoke:
    """Invokes a function of the stack."""
    functions = stack.aws().client("lambda")

    def invoked(function: str, event: Event) -> Any:  # noqa: ANN401 - JSON
        payload = json.dumps(event).encode()
        answer = functions.invoke(FunctionName=stack.resources[function], Payload=payload)
        assert "FunctionError" not in answer
        return json.loads(answer["Payload"].read())

    return invoked


def test_submission(invoke: Invoke, jobs: Jobs) -> None:
    """A submission by hand is one like any other."""
    job_events.check_submission(invoke, jobs)
    job_events.check_unknown_job(invoke)


def test_messages(invoke: Invoke, jobs: Jobs) -> None:
    """Five messages in one batch, one of them no message at all, each have the job that they ask for."""
    job_events.check_messages(invoke, jobs, OTHERS)


def test_dead_letters(invoke: Invoke, jobs: Jobs) -> None:
    """A dead letter ends its job, which can be queued again."""
    job_events.check_dead_letters(invoke, jobs, OTHERS)


def test_sweep(invoke: Invoke) -> None:
    """The sweep takes the event of its schedule."""
    job_events.check_sweep(invoke)
