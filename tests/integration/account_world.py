"""An account of AWS in this process, a small stack that passes for ours, and answers that moto lacks."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from rich.console import Console

from account import template
from account.plan import Plan, plan

REGION = "us-east-1"


class Raw(BytesIO):
    """The body of an answer, read as urllib3 has it read."""

    def stream(self, **_: object) -> Any:  # noqa: ANN401 - botocore's
        """Returns all of it."""
        yield self.read()


class AccountWorld:
    """A session of an account, and what commands print."""

    def __init__(self) -> None:
        self.session = boto3.Session(region_name=REGION)
        self.console = Console(record=True, width=400, force_terminal=False, highlight=False, soft_wrap=True)
        self._answers: dict[str, tuple[int, Mapping[str, Any]]] = {}
        self.limits(concurrent=1000, unreserved=1000)

    def said(self) -> str:
        """All that was printed."""
        return self.console.export_text(clear=False)

    def answer(self, operation: str, status: int, body: Mapping[str, Any]) -> None:
        """Has an operation answered so, such as lambda.GetAccountSettings."""

        def respond(request: Any, **_: object) -> AWSResponse:  # noqa: ANN401 - botocore's
            status, body = self._answers[operation]
            headers = {"content-type": "application/json"}
            return AWSResponse(request.url, status, headers, Raw(json.dumps(body).encode()))  # type: ignore[arg-type]

        if operation not in self._answers:
            self.session.events.register_first(f"before-send.{operation}", respond)  # type: ignore[arg-type]
        self._answers[operation] = (status, body)

    def deny(self, operation: str) -> None:
        """Has an operation refused."""
        error = {"Type": "User", "message": "not authorized to do this", "code": "AccessDenied"}
        self.answer(operation, 403, error | {"__type": "AccessDeniedException"})

    def limits(self, *, concurrent: int, unreserved: int) -> None:
        """Sets how much Lambda runs at once."""
        limit = {"ConcurrentExecutions": concurrent, "UnreservedConcurrentExecutions": unreserved}
        self.answer("lambda.GetAccountSettings", 200, {"AccountLimit": limit})

    def plan(self, name: str = "shop", architecture: str = "x86_64", **overrides: str) -> Plan:
        """A deployment."""
        return plan(self.session, name, architecture, overrides)

    def create_stack(self, name: str = "shop", **parameters: str) -> None:
        """Deploys a small template with parameters, buckets, a queue, a table and a state machine of ours."""
        declared = {parameter: {"Type": "String", "Default": value} for parameter, value in _values().items()}
        resources = {bucket: _retained("AWS::S3::Bucket") for bucket in template.retained_buckets()} | {
            "JobsQueue": {"Type": "AWS::SQS::Queue"},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": _POLICY}},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": _function(name)},
            "BatchStateMachine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": _MACHINE},
        }
        self.session.client("cloudformation").create_stack(
            StackName=name,
            TemplateBody=json.dumps({"Parameters": declared, "Resources": resources}),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )


_POLICY = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}]}
_MACHINE = {
    "DefinitionString": json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "End": True}}}),
    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
}


def _values() -> dict[str, str]:
    return template.defaults() | {"Architecture": "x86_64"}


def _retained(kind: str) -> dict[str, Any]:
    return {"Type": kind, "DeletionPolicy": "Retain"}


def _function(stack_name: str) -> dict[str, Any]:
    return {
        "FunctionName": f"{stack_name}-realtime",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": "def handler(event, context): pass"},
    }
