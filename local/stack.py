"""A deployed stack: where it is and how to call it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from local.aws import Aws
from local.failure import LocalFailure


@dataclass(frozen=True, slots=True)
class StackInfo:
    """A deployed stack; .local/stack.json holds the one of `make up`.

    Attributes:
        endpoint_url: Where the emulator answers; empty for a stack in an account.
        region: The region of the stack.
        stack_name: The name of the stack.
        api_url: Base URL of the API, without a trailing slash.
        api_key: Value of the API key.
        outputs: Every output of the stack.
        resources: Physical ids of the stack's resources by logical id.
        parameters: Every parameter of the stack.
    """

    endpoint_url: str
    region: str
    stack_name: str
    api_url: str
    api_key: str
    outputs: dict[str, str]
    resources: dict[str, str]
    parameters: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what write() wrote.

        Args:
            path: The JSON file.

        Raises:
            FileNotFoundError: Nothing was deployed.
        """
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """Write it as JSON.

        Args:
            path: The file; it is replaced.
        """
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def aws(self) -> Aws:
        """Return the clients of the emulator or the account that holds the stack."""
        return Aws(self.endpoint_url)


def describe(aws: Aws, stack_name: str) -> StackInfo:
    """Look a stack up.

    Args:
        aws: The clients of the emulator or the account.
        stack_name: The name of the stack.

    Returns:
        The stack. On an emulator its URL resolves on this machine; the output names AWS's own host.

    Raises:
        LocalFailure: It is not a stack of this application.
    """
    formation = aws.cloud_formation()
    stack = formation.describe_stacks(StackName=stack_name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])}
    if not {"ApiUrl", "ApiKeyId"} <= outputs.keys():
        raise LocalFailure(f"stack {stack_name} ({stack['StackStatus']}) has no outputs ApiUrl and ApiKeyId")
    api_url = outputs["ApiUrl"]
    if aws.endpoint_url:
        api_id, stage = api_of(outputs)
        api_url = f"{aws.endpoint_url}/restapis/{api_id}/{stage}/_user_request_"
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    listed = [resource for page in pages for resource in page["StackResourceSummaries"]]
    resources = {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in listed}
    key = aws.api_gateway().get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
    region = aws.session().region_name
    return StackInfo(aws.endpoint_url, region, stack_name, api_url, key, outputs, resources, parameters)


def api_of(outputs: dict[str, str]) -> tuple[str, str]:
    """Find the API in the outputs of a stack.

    Args:
        outputs: Outputs by name; ApiUrl looks like https://{id}.execute-api.{region}.amazonaws.com/{stage}.

    Returns:
        The id of the API and the name of its stage.
    """
    host, stage = outputs["ApiUrl"].removeprefix("https://").split("/")
    return host.split(".")[0], stage
