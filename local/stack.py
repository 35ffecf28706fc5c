"""What is to be known about a deployed stack: where it is and how it is called."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from local.aws import REGION, Aws


@dataclass(frozen=True, slots=True)
class StackInfo:
    """A stack that was deployed to an emulator; what .local/stack.json holds.

    Attributes:
        endpoint_url: Where the emulator answers.
        region: The region of the stack.
        stack_name: The name of the stack.
        api_url: Base URL of the API, without a trailing slash.
        api_key: Value of the API key.
        outputs: Every output of the stack.
    """

    endpoint_url: str
    region: str
    stack_name: str
    api_url: str
    api_key: str
    outputs: dict[str, str]

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
        """Return the clients of the emulator that holds the stack."""
        return Aws(self.endpoint_url)


def describe(aws: Aws, stack_name: str) -> StackInfo:
    """Ask the emulator for a stack.

    Args:
        aws: The clients of the emulator.
        stack_name: The name of the stack.

    Returns:
        The stack, with URLs that resolve on this machine: the outputs name AWS's own hosts.
    """
    stack = aws.cloud_formation().describe_stacks(StackName=stack_name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    api_id, stage = api_of(outputs)
    key = aws.api_gateway().get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)
    api_url = f"{aws.endpoint_url}/restapis/{api_id}/{stage}/_user_request_"
    return StackInfo(aws.endpoint_url, REGION, stack_name, api_url, key["value"], outputs)


def api_of(outputs: dict[str, str]) -> tuple[str, str]:
    """Find the API in the outputs of a stack.

    Args:
        outputs: Outputs by name; ApiUrl looks like https://{id}.execute-api.{region}.amazonaws.com/{stage}.

    Returns:
        The id of the API and the name of its stage.
    """
    host, stage = outputs["ApiUrl"].removeprefix("https://").split("/")
    return host.split(".")[0], stage
