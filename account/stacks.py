"""Stacks of CloudFormation: what there is, and in which state."""

from collections.abc import Mapping
from dataclasses import dataclass

import boto3
from botocore.exceptions import ClientError

from account.template import MARKS


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack in the account.

    Attributes:
        name: Its name.
        arn: Its unique id, which still finds it once it is deleted.
        status: Its state, as CloudFormation calls it.
        parameters: The values of its parameters.
        outputs: The values of its outputs.
    """

    name: str
    arn: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def is_triptych(self) -> bool:
        """Whether it was made from this template."""
        return self.parameters.keys() >= MARKS


def find(session: boto3.Session, name: str) -> Stack | None:
    """Look a stack up.

    Args:
        session: The account and region.
        name: The name of the stack.

    Returns:
        The stack, or None: there is none, or nothing but a change set that nobody has executed.
    """
    try:
        found = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if found["StackStatus"] in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}:
        return None
    return Stack(
        name,
        found["StackId"],
        found["StackStatus"],
        {item["ParameterKey"]: item["ParameterValue"] for item in found.get("Parameters", [])},
        {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])},
    )


def resources(session: boto3.Session, stack: Stack, kind: str) -> dict[str, str]:
    """List the resources of a stack that exist.

    Args:
        session: The account and region.
        stack: The stack.
        kind: Type of the resources, such as AWS::S3::Bucket.

    Returns:
        Physical ids by logical id.
    """
    pages = (
        session.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.arn)
    )
    summaries = (summary for page in pages for summary in page["StackResourceSummaries"])
    return {
        summary["LogicalResourceId"]: summary["PhysicalResourceId"]
        for summary in summaries
        if summary["ResourceType"] == kind
        and summary.get("PhysicalResourceId")
        and summary["ResourceStatus"] != "DELETE_COMPLETE"
    }
