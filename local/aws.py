"""How the emulator is reached, without a profile, key or endpoint of the user; and how an account is."""

import os
from dataclasses import dataclass
from typing import Any

import boto3
from mypy_boto3_apigateway import APIGatewayClient
from mypy_boto3_cloudformation import CloudFormationClient
from mypy_boto3_s3 import S3Client

REGION = "us-east-1"
KEY = "test"  # the emulator's administrator; it is no secret


def environment() -> dict[str, str]:
    """Build the environment of a process that may talk to nothing but this machine.

    Returns:
        This process's environment without a trace of AWS, but for the emulator's credentials.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    credentials = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": KEY, "AWS_DEFAULT_REGION": REGION}
    return kept | credentials | {"NO_PROXY": "127.0.0.1,localhost", "SAM_CLI_TELEMETRY": "0"}


@dataclass(frozen=True, slots=True)
class Aws:
    """The clients of one emulator, or of the account that the environment names.

    Attributes:
        endpoint_url: Where the emulator answers, for example http://127.0.0.1:4566; empty for AWS itself.
    """

    endpoint_url: str

    def session(self) -> boto3.Session:
        """Return a session with the emulator's own credentials, or with those of the environment."""
        if not self.endpoint_url:
            return boto3.Session(region_name=os.environ.get("AWS_REGION"))  # which boto3 does not read itself
        return boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=KEY, region_name=REGION)

    def api_gateway(self) -> APIGatewayClient:
        """Return a client of API Gateway."""
        return self.session().client("apigateway", endpoint_url=self.endpoint_url or None)

    def cloud_formation(self) -> CloudFormationClient:
        """Return a client of CloudFormation."""
        return self.session().client("cloudformation", endpoint_url=self.endpoint_url or None)

    def s3(self) -> S3Client:
        """Return a client of S3."""
        return self.session().client("s3", endpoint_url=self.endpoint_url or None)

    def client(self, service: str) -> Any:  # noqa: ANN401 - of any service
        """Return a client of any service, without types.

        Args:
            service: As boto3 calls it.
        """
        return self.session().client(service, endpoint_url=self.endpoint_url or None)  # type: ignore[call-overload]
