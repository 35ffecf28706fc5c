"""The events of jobs in `events/`, each given to its function in a Lambda container."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.jobs import Jobs
from local.stack import StackInfo
from tests.sam.emulated import emulated
from tests.support import job_events
from tests.support.job_events import Event, Invoke


@pytest.fixture(scope="module")
def invoke(image: str, stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Invoke]:
    """Invokes a function in a container; table, queue, buckets and topic are those of the stack."""
    directory = tmp_path_factory.mktemp("relay")
    with emulated(stack, image, directory) as sam:

        def invoked(function: str, event: Event) -> Any:  # noqa: ANN401 - JSON
            file = directory / "event.json"
            file.write_text(json.dumps(event))
            return sam.invoke(function, file)

        yield invoked


def test_submission(invoke: Invoke, jobs: Jobs) -> None:
    """A request becomes a job, which the worker of the stack runs."""
    job_events.check_submission(invoke, jobs)


def test_messages(invoke: Invoke, jobs: Jobs) -> None:
    """Five messages in one batch, one of them no message at all, each have the job that they ask for."""
    job_events.check_messages(invoke, jobs)


def test_dead_letters(invoke: Invoke, jobs: Jobs) -> None:
    """A dead letter ends its job, which can be queued again."""
    job_events.check_dead_letters(invoke, jobs)


def test_sweep(invoke: Invoke) -> None:
    """The sweep takes the event of its schedule."""
    job_events.check_sweep(invoke)
