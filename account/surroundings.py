"""Checks of what is in the account already and would meet a deployment."""

import boto3
from botocore.exceptions import ClientError

from account import buckets, log_role
from account.finding import Finding, Findings
from account.plan import Plan, name_problem
from account.template import log_groups

_MENDED_BY_REMOVAL = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}


def check_name(_session: boto3.Session, plan: Plan) -> Findings:
    """Compare the name of the stack with what names of its resources allow."""
    problem = name_problem(plan.stack_name)
    yield ("fail", problem) if problem else ("ok", plan.stack_name)


def check_stack(_session: boto3.Session, plan: Plan) -> Findings:
    """Check whether a stack of the name can be created or updated."""
    stack = plan.stack
    if stack is None:
        yield "ok", "there is none of this name: it is created"
        return
    name, status = stack.name, stack.status
    if not stack.is_triptych:
        yield "fail", f"the stack {name} is not made from this template: choose another name, STACK=..."
    elif status in _MENDED_BY_REMOVAL:
        yield "fail", f"{status}: it cannot be updated; run make destroy STACK={name}, then make deploy again"
    elif status == "UPDATE_ROLLBACK_FAILED":
        command = f"aws cloudformation continue-update-rollback --stack-name {name}"
        yield "fail", f"{status}: run {command}, then make deploy again"
    elif status.endswith("_IN_PROGRESS"):
        yield "fail", f"{status}: wait until it has ended"
    else:
        yield "ok", f"{status}: it is updated, and keeps its parameters"


def check_architecture(_session: boto3.Session, plan: Plan) -> Findings:
    """Compare the processor that was built for with the one of the stack."""
    built, wanted = plan.architecture, plan.overrides.get("Architecture")
    has = plan.stack.parameters.get("Architecture", built) if plan.stack else built
    if wanted not in {None, built}:
        yield "fail", f"built for {built}, and Architecture={wanted} is wanted: add ARCHITECTURE={wanted}"
    elif wanted is None and has != built:
        text = (
            f"built for {built}, and the stack runs on {has}: add ARCHITECTURE={has} to keep it, "
            f"or PARAMETERS=Architecture={built} to change it"
        )
        yield "fail", text
    elif (models := plan.inference_architecture or built) != (runs := _processor_of_models(plan)):
        yield "fail", f"models are built for {models} and run on {runs}: add INFERENCE_ARCHITECTURE={runs}"
    else:
        yield "ok", f"for {built}"


def _processor_of_models(plan: Plan) -> str:
    own = plan.parameters["InferenceArchitecture"] if plan.splits else ""
    return own or plan.parameters["Architecture"]


def check_left_over(session: boto3.Session, plan: Plan) -> Findings:
    """Find what an earlier stack of the name has left, where there is none now."""
    if plan.stack:
        return
    for name in left_over_log_groups(session, plan.stack_name):
        yield "fail", f"log group {name} exists: run aws logs delete-log-group --log-group-name {name}"
    for logical_id, name in buckets.left_over(session, plan.stack_name):
        text = (
            f"bucket {name} ({logical_id} of an earlier stack) stays beside the new one and costs what it "
            f"holds: make destroy STACK={plan.stack_name} shows it"
        )
        yield "warn", text


def left_over_log_groups(session: boto3.Session, stack_name: str) -> list[str]:
    """Find the log groups named after a stack.

    Args:
        session: The account and region.
        stack_name: The name of the stack.
    """
    client = session.client("logs")
    found: list[str] = []
    for name in log_groups(stack_name):
        groups = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        found.extend(name for group in groups if group["logGroupName"] == name)
    return found


def check_model_bucket(session: boto3.Session, plan: Plan) -> Findings:
    """Check whether the bucket that models are to be read from can be reached."""
    if name := plan.parameters["ExistingModelBucket"]:
        yield model_bucket(session, name)


def model_bucket(session: boto3.Session, name: str) -> Finding:
    """Check whether a bucket of models can be reached.

    Args:
        session: The account and region.
        name: The name of the bucket.
    """
    try:
        session.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        reason = {403: "is somebody else's, or yours to see only with more rights", 404: "does not exist"}
        return "fail", f"ExistingModelBucket: {name} {reason.get(status, f'cannot be read: {error}')}"
    return "ok", name


def check_log_role(session: boto3.Session, plan: Plan) -> Findings:
    """Report what happens to the role that API Gateway writes logs with."""
    if given := plan.parameters["ApiGatewayLogRole"]:
        yield (
            ("ok", f"{given} is used")
            if log_role.exists(session, given)
            else ("fail", f"ApiGatewayLogRole: there is no role {given}")
        )
        return
    if plan.stack:
        yield "ok", "the stack has its own"
        return
    arn = log_role.registered(session)
    if arn is None:
        yield "ok", "none is registered: one is created for all APIs of the account and region; it stays"
    elif log_role.exists(session, arn):
        yield "ok", f"{arn} is registered and kept"
    else:
        yield "warn", f"{arn} is registered and does not exist: a new one replaces it"
