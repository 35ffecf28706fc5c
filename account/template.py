"""The template before deployment: parameters, names, and resources that outlive the stack."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # SAM's has no types

from local.build import ROOT

STACK_NAME_LIMIT = 47
"""Characters of a stack's name: names of functions have at most 64, and the template adds up to 17."""

MARKS = {"ModelRepository", "JobTimeToLive", "BatchOnUpload"}
"""Parameters that together no other template has."""


@cache
def template() -> dict[str, Any]:
    """Read template.yaml."""
    parsed: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return parsed


def parameters() -> dict[str, dict[str, Any]]:
    """Return the declarations of the template's parameters by name."""
    declared: dict[str, dict[str, Any]] = template()["Parameters"]
    return declared


def defaults() -> dict[str, str]:
    """Return the default of each parameter, as CloudFormation writes it."""
    return {name: str(declared["Default"]) for name, declared in parameters().items()}


def log_groups(stack_name: str) -> list[str]:
    """Name the log groups that a stack creates.

    Args:
        stack_name: The name of the stack.
    """
    groups = (resource["Properties"]["LogGroupName"] for _, resource in _of_type("AWS::Logs::LogGroup"))
    return [group["Fn::Sub"].replace("${AWS::StackName}", stack_name) for group in groups]


def retained_buckets() -> list[str]:
    """Return the logical ids of the buckets that stay when the stack is deleted."""
    return [
        name for name, bucket in _of_type("AWS::S3::Bucket") if "Retain" in bucket.get("DeletionPolicy", "")
    ]


def alarms() -> int:
    """Count the alarms."""
    return sum(1 for _ in _of_type("AWS::CloudWatch::Alarm"))


def _of_type(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    resources = template()["Resources"].items()
    return ((name, resource) for name, resource in resources if resource["Type"] == kind)
