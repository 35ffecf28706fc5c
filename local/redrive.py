"""`make redrive`: queues failed jobs again whose reason may be gone."""

import os
from collections.abc import Iterable

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import track

from local.aws import Aws
from local.failure import LocalFailure
from local.jobs import Job, Jobs
from local.stack import StackInfo, describe
from local.up import STACK_FILE


def redrive(console: Console, stack_name: str | None, *, dry_run: bool) -> None:
    """Queue again every failed job whose error is retryable.

    Args:
        console: Where progress and outcome are shown.
        stack_name: A stack of the account that the environment names; None is what `make up` deployed.
        dry_run: Only say what would be done.

    Raises:
        LocalFailure: There is no such stack, or its API does not answer.
    """
    with Jobs(*address(stack_name)) as jobs:
        failed = list(jobs.newest(status="failed", limit=100))
        retryable = [job for job in failed if job["error"]["retryable"]]
        lasting = len(failed) - len(retryable)
        if dry_run:
            _list(console, retryable)
            console.print(f"{len(retryable)} jobs would be queued again; {lasting} would fail again")
            return
        queued, changed = _queue(console, jobs, retryable)
    console.print(f"{queued} jobs queued again; {lasting} would fail again; {changed} changed meanwhile")


def address(stack_name: str | None) -> tuple[str, str]:
    """Find the API of a stack.

    Args:
        stack_name: As of `redrive`.

    Returns:
        Its base URL and the value of its key.

    Raises:
        LocalFailure: There is no such stack, or it may not be looked up.
    """
    if stack_name is None:
        if not STACK_FILE.exists():
            raise LocalFailure("nothing runs here: run make up, or name a stack of your account")
        stack = StackInfo.read(STACK_FILE)
        return stack.api_url, stack.api_key
    if emulator := os.environ.get("AWS_ENDPOINT_URL"):
        stack = describe(Aws(emulator), stack_name)
        return stack.api_url, stack.api_key
    try:
        return _in_account(stack_name)
    except (BotoCoreError, ClientError) as error:
        raise LocalFailure(f"stack {stack_name} cannot be looked up: {error}") from error


def _in_account(stack_name: str) -> tuple[str, str]:
    found = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
    key = boto3.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)
    return outputs["ApiUrl"], key["value"]


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
