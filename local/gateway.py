"""Makes the emulator return the gateway responses of the template.

AWS takes them from the body of the API. The emulator passes over that part of the body and knows them only as
calls of API Gateway, after which the stage has to be deployed once more.
"""

from collections.abc import Mapping
from typing import Any

from local.aws import Aws
from local.stack import StackInfo, api_of


def apply_gateway_responses(aws: Aws, stack: StackInfo) -> None:
    """Copy the gateway responses from the deployed template to the emulated API.

    Args:
        aws: The clients of the emulator.
        stack: The stack that was deployed.
    """
    template = aws.cloud_formation().get_template(StackName=stack.stack_name, TemplateStage="Processed")
    body: Mapping[str, Any] = template["TemplateBody"]["Resources"]["Api"]["Properties"]["Body"]
    api_id, stage = api_of(stack.outputs)
    gateway = aws.api_gateway()
    signed = stack.parameters.get("Authorization") == "AWS_IAM"
    for kind, response in body["x-amazon-apigateway-gateway-responses"].items():
        gateway.put_gateway_response(restApiId=api_id, responseType=kind, **_settled(response, signed=signed))
    gateway.create_deployment(restApiId=api_id, stageName=stage)


def _settled(value: Any, *, signed: bool) -> Any:  # noqa: ANN401 - any JSON
    """Settle conditions, all of which ask whether requests are signed."""
    match value:
        case {"Fn::If": [_, with_signatures, without]}:
            return with_signatures if signed else without
        case dict():
            return {key: _settled(part, signed=signed) for key, part in value.items()}
        case _:
            return value
