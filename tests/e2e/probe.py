"""Calls that are made with the role of a function, to find out what it may do."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from local.stack import StackInfo

PROBE = '''
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    """Makes one call with the credentials of the role; answers "allowed" or the code of the refusal."""
    client = boto3.client(event["service"])
    try:
        getattr(client, event["operation"])(**event["arguments"])
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"
'''

type Try = Callable[..., str]
"""Makes a call, `(service, operation, **arguments)`; gives "allowed" or the code of the refusal."""


def probe(stack: StackInfo, function: str) -> Try:
    """Makes a function that has the role of another one.

    Args:
        stack: The stack.
        function: Logical id of the other one.
    """
    functions = stack.aws().client("lambda")
    deployed = functions.get_function_configuration(FunctionName=stack.resources[function])
    functions.create_function(
        FunctionName=f"probe-{function}",
        Runtime="python3.13",
        Role=deployed["Role"],
        Handler="probe.handler",
        Code={"ZipFile": _zipped("probe.py", PROBE)},
        Timeout=30,
    )

    def call(service: str, operation: str, **arguments: Any) -> str:  # noqa: ANN401 - any call's arguments
        event = {"service": service, "operation": operation, "arguments": arguments}
        answer = functions.invoke(FunctionName=f"probe-{function}", Payload=json.dumps(event).encode())
        outcome: str = json.loads(answer["Payload"].read())
        return outcome

    return call


def _zipped(name: str, text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, text)
    return content.getvalue()
