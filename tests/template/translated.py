"""The template as CloudFormation gets it, after SAM's transform, and questions to ask of it."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]  # SAM's has no types

from account import template as known

type Json = Any
type Resource = dict[str, Json]


class _NoManagedPolicies:
    """Stands for IAM's list of managed policies, which only policies given by name need."""

    def load(self) -> dict[str, str]:
        """Return no policy at all."""
        return {}


def source() -> dict[str, Json]:
    """Read the template as it was written, with its loops expanded."""
    return deepcopy(known.template())


def translate(**parameters: str) -> dict[str, Json]:
    """Translate the template.

    Args:
        **parameters: Values of parameters that differ from their defaults.

    Returns:
        The template without SAM's resources.
    """
    written = source()
    for resource in written["Resources"].values():
        for name in {"CodeUri", "ContentUri", "DefinitionUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][name] = "s3://bucket/key"  # as after an upload
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")  # SAM wants to know one
        translated: dict[str, Json] = transform(written, parameters, _NoManagedPolicies())
    return translated


def served(template: dict[str, Json], serving: str) -> dict[str, Json]:
    """Decide all that depends on who runs the models.

    Args:
        template: A translated template.
        serving: Value of the parameter `Serving`.

    Returns:
        The template without the condition `Microservices`, and without what it leaves out.
    """
    holds = serving == "Microservices"
    resources = template["Resources"].items()
    kept = {name: each for name, each in resources if holds or each.get("Condition") != "Microservices"}
    decided: dict[str, Json] = _decided({**template, "Resources": kept}, holds=holds)
    return decided


def _decided(value: Json, *, holds: bool) -> Json:
    match value:
        case {"Fn::If": ["Microservices", *choices]}:
            return _decided(choices[0 if holds else 1], holds=holds)
        case dict():
            return {key: _decided(part, holds=holds) for key, part in value.items()}
        case list():
            return [_decided(part, holds=holds) for part in value]
        case _:
            return value


def references(value: Json) -> Iterator[str]:
    """Find the names that a value refers to, of resources, parameters and pseudo parameters.

    Args:
        value: Any part of a translated template.

    Yields:
        Logical ids, as often as they occur.
    """
    match value:
        case {"Ref": name}:
            yield name
        case {"Fn::GetAtt": [name, *_]}:
            yield name
        case {"Fn::Sub": [str(text), dict(variables)]}:
            yield from (name for name in _substituted(text) if name not in variables)
            yield from references(variables)
        case {"Fn::Sub": str(text)}:
            yield from _substituted(text)
        case dict():
            for part in value.values():
                yield from references(part)
        case list():
            for part in value:
                yield from references(part)


def of_type(template: Mapping[str, Json], kind: str) -> dict[str, Resource]:
    """Find the properties of all resources of a type.

    Args:
        template: A template.
        kind: For example AWS::S3::Bucket.

    Returns:
        Properties by logical id.
    """
    resources = template["Resources"].items()
    return {name: resource["Properties"] for name, resource in resources if resource["Type"] == kind}


def statements(template: Mapping[str, Json], function: str) -> list[dict[str, Json]]:
    """Find what a function's role allows beside logs and traces.

    Args:
        template: A translated template.
        function: Logical id of the function.

    Returns:
        Statements of the policies, in order.
    """
    role = of_type(template, "AWS::IAM::Role")[f"{function}Role"]
    managed = of_type(template, "AWS::IAM::ManagedPolicy")
    shared = [managed[arn["Ref"]] for arn in role.get("ManagedPolicyArns", []) if "Ref" in arn]
    policies = [*shared, *role.get("Policies", [])]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def _substituted(text: str) -> Iterator[str]:
    yield from (name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text))
