"""The template before deployment: parameters, names, and resources that outlive the stack."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # SAM's has no types

from local.build import ROOT

STACK_NAME_LIMIT = 50
"""Characters of a stack's name: names of functions have at most 64, and the template adds up to 14."""

MARKS = {"ModelRepository", "JobTimeToLive", "BatchOnUpload"}
"""Parameters that together no other template has."""


_LOOP = "Fn::ForEach::"


@cache
def template() -> dict[str, Any]:
    """Read template.yaml, with its loops expanded."""
    parsed: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return parsed | {"Resources": dict(_expanded(parsed["Resources"], parsed["Mappings"]))}


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
    """Count the alarms that every stack has."""
    return sum(1 for _, alarm in _of_type("AWS::CloudWatch::Alarm") if "Condition" not in alarm)


def _expanded(resources: Mapping[str, Any], mappings: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - parsed YAML
    """Expand loops as CloudFormation does, and leave all else, which `sam` would replace by values."""
    for name, resource in resources.items():
        if not name.startswith(_LOOP):
            yield name, resource
            continue
        identifier, items, body = resource
        for item in items:
            yield from _filled(body, identifier, item, mappings).items()


def _filled(value: Any, identifier: str, item: str, mappings: Any) -> Any:  # noqa: ANN401 - any part of a template
    match value:
        case {"Ref": name} if name == identifier:
            return item
        case {"Fn::Sub": str(text)}:
            filled = text.replace(f"${{{identifier}}}", item)
            return {"Fn::Sub": filled} if "${" in filled else filled
        case {"Fn::FindInMap": parts}:
            mapping, *keys = _filled(parts, identifier, item, mappings)
            return mappings[mapping][keys[0]][keys[1]]
        case dict():
            return {
                key.replace(f"${{{identifier}}}", item): _filled(part, identifier, item, mappings)
                for key, part in value.items()
            }
        case list():
            return [_filled(part, identifier, item, mappings) for part in value]
        case _:
            return value


def _of_type(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    resources = template()["Resources"].items()
    return ((name, resource) for name, resource in resources if resource["Type"] == kind)
