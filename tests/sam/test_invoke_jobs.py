"""The events of jobs in `events/`, each given to its function in a Lambda container."""

from local.jobs import Jobs
from tests.support import job_events
from tests.support.job_events import Invoke


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
