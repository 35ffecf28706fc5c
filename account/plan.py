"""What a deployment would do: to which stack, and with which parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import boto3

from account import stacks, template

DEFAULT_STACK_NAME = "triptych"


@dataclass(frozen=True, slots=True)
class Plan:
    """A deployment.

    Attributes:
        stack_name: The name of the stack.
        architecture: The processor that was built for.
        overrides: Values of parameters that this deployment sets.
        stack: The stack as it is; None if this deployment creates it.
        inference_architecture: The processor that ONNX Runtime was built for, where that is another one.
    """

    stack_name: str
    architecture: str
    overrides: Mapping[str, str]
    stack: stacks.Stack | None
    inference_architecture: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The value of each parameter after the deployment."""
        kept = self.stack.parameters if self.stack else {}
        return {**template.defaults(), **kept, "Architecture": self.architecture, **self.overrides}

    @property
    def splits(self) -> bool:
        """Whether a function of its own runs the models."""
        return self.parameters["Serving"] == "Microservices"

    def number(self, name: str) -> int:
        """Return the value of a parameter that is a number; zero if it is empty.

        Args:
            name: The name of the parameter.
        """
        return int(self.parameters[name] or 0)


def plan(session: boto3.Session, stack_name: str, architecture: str, overrides: Mapping[str, str]) -> Plan:
    """Look the stack up.

    Args:
        session: The account and region.
        stack_name: The name of the stack.
        architecture: The processor that was built for.
        overrides: Values of parameters that this deployment sets.
    """
    stack = None if name_problem(stack_name) else stacks.find(session, stack_name)
    return Plan(stack_name, architecture, overrides, stack)


def name_problem(name: str) -> str | None:
    """Compare the name of a stack with what CloudFormation and names of its resources allow.

    Args:
        name: The name.

    Returns:
        What is wrong, or None.
    """
    if not re.fullmatch("[A-Za-z][A-Za-z0-9-]*", name):
        return f"{name!r} cannot be a stack's name: letters, digits and hyphens, a letter first"
    if len(name) > template.STACK_NAME_LIMIT:
        return f"{name} has {len(name)} characters; names of functions leave it {template.STACK_NAME_LIMIT}"
    return None
