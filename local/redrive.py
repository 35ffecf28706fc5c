"""`make redrive`: queues failed jobs again whose reason may be gone."""

from collections.abc import Iterable

from rich.console import Console
from rich.progress import track

from local.failure import LocalFailure
from local.find import find
from local.jobs import Job, Jobs


def redrive(console: Console, stack_name: str | None, *, dry_run: bool) -> None:
    """Queue again every failed job whose error is retryable.

    Args:
        console: Where progress and outcome are shown.
        stack_name: A stack of the account that the environment names; None is what `make up` deployed.
        dry_run: Only say what would be done.

    Raises:
        LocalFailure: There is no such stack, or its API does not answer.
    """
    with Jobs(find(stack_name)) as jobs:
        failed = list(jobs.newest(status="failed", limit=100))
        retryable = [job for job in failed if job["error"]["retryable"]]
        lasting = len(failed) - len(retryable)
        if dry_run:
            _list(console, retryable)
            console.print(f"{len(retryable)} jobs would be queued again; {lasting} would fail again")
            return
        queued, changed = _queue(console, jobs, retryable)
    console.print(f"{queued} jobs queued again; {lasting} would fail again; {changed} changed meanwhile")


def _list(console: Console, jobs: Iterable[Job]) -> None:
    for job in jobs:
        console.print(f"{job['id']}  {job['model']}  {job['error']['message']}", markup=False)


def _queue(console: Console, jobs: Jobs, retryable: list[Job]) -> tuple[int, int]:
    queued = changed = 0
    for job in track(retryable, "Queueing", console=console, transient=True):
        try:
            jobs.redrive(job["id"])
            queued += 1
        except LocalFailure as failure:  # somebody was faster, or the record is gone
            console.print(str(failure), markup=False)
            changed += 1
    return queued, changed
