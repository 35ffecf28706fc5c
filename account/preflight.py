"""`make preflight`: reports problems and unexpected costs, before anything is created."""

from collections.abc import Callable, Mapping

import boto3
from botocore.exceptions import ClientError
from rich.console import Console

from account import capacity, surroundings
from account.finding import Finding, Findings, Level
from account.plan import Plan

type Check = Callable[[boto3.Session, Plan], Findings]

CHECKS: Mapping[str, Check] = {
    "stack name": surroundings.check_name,
    "stack": surroundings.check_stack,
    "build": surroundings.check_architecture,
    "left over": surroundings.check_left_over,
    "model bucket": surroundings.check_model_bucket,
    "API log role": surroundings.check_log_role,
    "concurrency": capacity.check_concurrency,
    "reserved": capacity.check_reserved,
    "memory": capacity.check_memory,
    "idle cost": capacity.check_cost,
}

_STYLES: Mapping[Level, str] = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def preflight(console: Console, session: boto3.Session, plan: Plan) -> bool:
    """Read the account and print a line for each thing that matters to a deployment.

    Args:
        console: Where the lines are shown.
        session: The account and region.
        plan: The deployment.

    Returns:
        Whether nothing stands in the way.
    """
    caller = session.client("sts").get_caller_identity()
    _show(console, "account", ("ok", f"{caller['Account']} in {session.region_name}, as {caller['Arn']}"))
    passed = True
    for topic, check in CHECKS.items():
        for finding in _run(session, plan, check):
            _show(console, topic, finding)
            passed = passed and finding[0] != "fail"
    return passed


def _run(session: boto3.Session, plan: Plan, check: Check) -> Findings:
    try:
        yield from check(session, plan)
    except ClientError as error:
        yield "warn", f"cannot be read: {error}"


def _show(console: Console, topic: str, finding: Finding) -> None:
    level, text = finding
    console.print(f"[{_STYLES[level]}]{level:<4}[/]  {topic:<12}  ", end="")
    console.print(text, markup=False)
