"""`make destroy`: removes a stack, and lists what stays."""

from collections.abc import Sequence

import boto3
from botocore.exceptions import ClientError, WaiterError
from rich.console import Console

from account import buckets, log_role, stacks
from account.buckets import Bucket
from account.surroundings import left_over_log_groups
from local.failure import LocalFailure
from local.terminal import ask

CONTENTS = {
    "ModelBucket": "models",
    "InputBucket": "files to transform",
    "OutputBucket": "predictions of files",
    "ResultsBucket": "results of jobs, until they expire",
    "JobInputsBucket": "inputs of jobs, until they expire",
    "BatchWorkBucket": "parts of unfinished batches, until they expire",
}
"""What the buckets hold that stay."""

_GB = 1 << 30
_POLL_SECONDS = 5
_ATTEMPTS = 720  # an hour


def destroy(console: Console, session: boto3.Session, stack_name: str, *, yes: bool, data: bool) -> None:
    """List what is deleted and what stays, ask, and remove the stack.

    Args:
        console: Where all of it is shown.
        session: The account and region.
        stack_name: The name of the stack. If it is gone, the buckets that it left are found by their names.
        yes: Do not ask.
        data: Delete the buckets too, with all that is in them.

    Raises:
        LocalFailure: There is nothing of that name, the stack is not of this template, or deletion failed.
    """
    stack = stacks.find(session, stack_name)
    if stack and not stack.is_triptych:
        raise LocalFailure(f"the stack {stack_name} is not made from this template: nothing was removed")
    kept = _kept_buckets(session, stack, stack_name)
    if not stack and not kept:
        raise LocalFailure(f"there is no stack {stack_name} in {session.region_name}, and no bucket of one")
    if stack:
        _show_loss(console, session, stack)
    _show_buckets(console, kept, data=data)
    if stack or data:
        _confirm(console, stack_name, yes=yes)
    if stack:
        _delete_stack(console, session, stack)
    if data:
        _delete_buckets(console, session, kept)
    _show_rest(console, session, stack_name, buckets_stay=bool(kept) and not data)


def _kept_buckets(session: boto3.Session, stack: stacks.Stack | None, stack_name: str) -> list[Bucket]:
    if stack:
        named = list(buckets.of_stack(session, stack).items())
    else:
        named = buckets.left_over(session, stack_name)
    return [buckets.measure(session, logical_id, name) for logical_id, name in named]


def _show_loss(console: Console, session: boto3.Session, stack: stacks.Stack) -> None:
    console.print(
        f"The stack {stack.name} in {session.region_name} ({stack.status}) is removed:", markup=False
    )
    console.print(
        "  the API and its keys, functions, logs, alarms, the dashboard, topics and their subscribers"
    )
    for kind, what in (("AWS::SQS::Queue", "messages"), ("AWS::DynamoDB::Table", "records")):
        for logical_id, physical_id in stacks.resources(session, stack, kind).items():
            console.print(f"  {what} in {logical_id}: {_count(session, kind, physical_id)}", markup=False)
    running = len(_running_batches(session, stack))
    console.print(f"  batches that run, and are stopped: {running}\n")


def _count(session: boto3.Session, kind: str, physical_id: str) -> str:
    try:
        if kind == "AWS::DynamoDB::Table":
            table = session.client("dynamodb").describe_table(TableName=physical_id)["Table"]
            return f"about {table['ItemCount']}"  # as of six hours ago
        queue = session.client("sqs").get_queue_attributes(
            QueueUrl=physical_id, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return queue["Attributes"]["ApproximateNumberOfMessages"]
    except ClientError as error:
        return f"({error.response['Error']['Code']})"


def _show_buckets(console: Console, kept: Sequence[Bucket], *, data: bool) -> None:
    if not kept:
        return
    console.print("These buckets are deleted with all that is in them:" if data else "These buckets stay:")
    for bucket in kept:
        more = "" if bucket.complete else "more than "
        size = f"{more}{bucket.versions} objects, {more}{bucket.size / 1e6:.1f} MB"
        price = f"${bucket.size / _GB * buckets.PRICE:.2f} a month"
        line = f"  {bucket.name}  {CONTENTS[bucket.logical_id]}: {size}" + (
            "" if data else f", {more}{price}"
        )
        console.print(line, markup=False)
    console.print()


def _confirm(console: Console, stack_name: str, *, yes: bool) -> None:
    if not yes and ask(console, f"Type {stack_name} to go on") != stack_name:
        raise LocalFailure("nothing was removed")


def _running_batches(session: boto3.Session, stack: stacks.Stack) -> list[str]:
    client = session.client("stepfunctions")
    machines = stacks.resources(session, stack, "AWS::StepFunctions::StateMachine").values()
    pages = (
        page
        for machine in machines
        for page in client.get_paginator("list_executions").paginate(
            stateMachineArn=machine, statusFilter="RUNNING"
        )
    )
    return [execution["executionArn"] for page in pages for execution in page["executions"]]


def _delete_stack(console: Console, session: boto3.Session, stack: stacks.Stack) -> None:
    for execution in _running_batches(
        session, stack
    ):  # a state machine is deleted once its executions have ended
        session.client("stepfunctions").stop_execution(executionArn=execution, cause="the stack is removed")
    client = session.client("cloudformation")
    client.delete_stack(StackName=stack.arn)
    waiter = client.get_waiter("stack_delete_complete")
    try:
        with console.status(f"Removing the stack {stack.name}; this takes some minutes"):
            waiter.wait(StackName=stack.arn, WaiterConfig={"Delay": _POLL_SECONDS, "MaxAttempts": _ATTEMPTS})
    except WaiterError as error:
        raise LocalFailure(_reasons(session, stack) or str(error)) from error
    console.print(f"[green]✓[/] the stack {stack.name} is removed")


def _reasons(session: boto3.Session, stack: stacks.Stack) -> str:
    events = session.client("cloudformation").describe_stack_events(StackName=stack.arn)["StackEvents"]
    failed = [event for event in events if event.get("ResourceStatus") == "DELETE_FAILED"]
    lines = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed]
    return (
        "\n".join(["the stack could not be removed; mend this, and run make destroy again:", *lines])
        if lines
        else ""
    )


def _delete_buckets(console: Console, session: boto3.Session, kept: Sequence[Bucket]) -> None:
    for bucket in kept:
        with console.status(f"Deleting {bucket.name}"):
            buckets.delete(session, bucket.name)
        console.print(f"[green]✓[/] {bucket.name} is deleted")


def _show_rest(console: Console, session: boto3.Session, stack_name: str, *, buckets_stay: bool) -> None:
    if buckets_stay:
        console.print(f"make destroy STACK={stack_name} DATA=1 deletes the buckets that stay")
    for name in left_over_log_groups(session, stack_name):
        console.print(f"a log group stays: aws logs delete-log-group --log-group-name {name}", markup=False)
    if arn := log_role.registered(session):
        console.print(
            f"{arn} stays: every API of the account and region writes its logs with it; free", markup=False
        )
    console.print(
        "what was uploaded for deployments stays in the bucket of SAM; docs/removal.md says how to delete it"
    )
