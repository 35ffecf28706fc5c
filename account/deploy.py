"""`make deploy`: creates or updates a stack in the account.

The stack itself is the only record of its parameters: `sam deploy` keeps the value of each parameter that it
is not given, so an update changes what it names and nothing else.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import boto3
from botocore.exceptions import ClientError
from rich.console import Console

from account import log_role, stacks, versions
from account.parameters import ask_for
from account.plan import DEFAULT_STACK_NAME, Plan
from account.preflight import preflight
from account.surroundings import model_bucket
from local.build import ROOT, TEMPLATE
from local.failure import LocalFailure
from local.terminal import ask


def choose_name(console: Console, session: boto3.Session, *, yes: bool) -> str:
    """Take the default name, or ask for one if no stack of that name exists.

    Args:
        console: Where the question is shown.
        session: The account and region.
        yes: Ask nothing.
    """
    if yes or stacks.find(session, DEFAULT_STACK_NAME):
        return DEFAULT_STACK_NAME
    return ask(console, "Name of the stack", DEFAULT_STACK_NAME)


def deploy(console: Console, session: boto3.Session, planned: Plan, *, yes: bool) -> None:
    """Check the account, ask what a first deployment needs to know, deploy, and remove old versions.

    Args:
        console: Where all of it is shown.
        session: The account and region.
        planned: What to deploy.
        yes: Ask nothing: take defaults, and make changes without showing them first.

    Raises:
        LocalFailure: Something stands in the way, or the deployment failed.
    """
    if not preflight(console, session, planned):
        raise LocalFailure("nothing was changed: mend what fails above")
    values = {"Architecture": planned.architecture, **planned.overrides}
    if planned.stack is None:
        values |= _first_values(console, session, planned, yes=yes)
    _sam_deploy(session, planned.stack_name, values, yes=yes)
    stack = stacks.find(session, planned.stack_name)
    if stack is None:
        console.print("nothing was deployed")
        return
    _remove_old_versions(console, session, stack)
    console.print(_farewell(stack), markup=False)


def _first_values(console: Console, session: boto3.Session, planned: Plan, *, yes: bool) -> dict[str, str]:
    values = {} if yes else ask_for(console, planned.overrides)
    if bucket := values.get("ExistingModelBucket"):
        level, text = model_bucket(session, bucket)
        if level == "fail":
            raise LocalFailure(text)
    role = log_role.usable(session)
    if role and "ApiGatewayLogRole" not in planned.overrides:
        values["ApiGatewayLogRole"] = role
    return values


def _sam_deploy(session: boto3.Session, name: str, values: Mapping[str, str], *, yes: bool) -> None:
    command = [
        str(Path(sys.executable).with_name("sam")),
        "deploy",
        *("--template-file", str(TEMPLATE), "--config-file", str(ROOT / "samconfig.toml")),
        *("--stack-name", name, "--s3-prefix", name, "--region", session.region_name),
        *(["--no-confirm-changeset"] if yes else []),
        *("--parameter-overrides", *(f"{parameter}='{value}'" for parameter, value in values.items())),
    ]
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0"}
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:  # noqa: S603 - no shell
        raise LocalFailure(
            f"sam deploy failed: the reason is above; make preflight STACK={name} says how to go on"
        )


def _remove_old_versions(console: Console, session: boto3.Session, stack: stacks.Stack) -> None:
    try:
        removed = versions.remove_old(session, stack)
    except ClientError as error:
        console.print(f"old versions of functions stay: {error}", markup=False)
        return
    if removed:
        console.print(f"old versions of functions removed: {removed}")


def _farewell(stack: stacks.Stack) -> str:
    key = "aws apigateway get-api-key --include-value --query value --output text --api-key"
    return f"""
{stack.name} ({stack.status})

API       {stack.outputs["ApiUrl"]}
API key   {key} {stack.outputs["ApiKeyId"]}
models    s3://{stack.outputs["ModelBucket"]}/models/
files     s3://{stack.outputs["InputBucket"]}/<model>/
check     make smoke STACK={stack.name}
shell     eval "$(make env STACK={stack.name})"
remove    make destroy STACK={stack.name}"""
