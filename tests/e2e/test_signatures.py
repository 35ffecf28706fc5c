"""Requests to an API that asks for signatures (Authorization=AWS_IAM), on an emulator that checks them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from botocore.credentials import Credentials

from local.build import ROOT
from local.calls import Signature
from local.gateway import apply_gateway_responses
from local.stack import StackInfo, api_of

RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}],
}
SIGNED = ("/v2", "GET"), ("/v2/models/{model}/predict", "POST")


@pytest.fixture(scope="module")
def caller(guarded_stack: StackInfo) -> Credentials:
    """Somebody who may invoke APIs, and nothing else."""
    iam = guarded_stack.aws().client("iam")
    iam.create_user(UserName="caller")
    iam.put_user_policy(UserName="caller", PolicyName="invoke", PolicyDocument=json.dumps(RIGHTS))
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def api(guarded_stack: StackInfo) -> Iterator[str]:
    """The URL of the API, two methods of which ask for signatures."""
    _authorize(guarded_stack, "AWS_IAM")
    yield guarded_stack.api_url
    _authorize(guarded_stack, "NONE")


def _authorize(stack: StackInfo, kind: str) -> None:
    gateway = stack.aws().api_gateway()
    api_id, _ = api_of(stack.outputs)
    resources = gateway.get_resources(restApiId=api_id, limit=500)["items"]
    ids = {resource["path"]: resource["id"] for resource in resources}
    for path, method in SIGNED:
        gateway.update_method(
            restApiId=api_id,
            resourceId=ids[path],
            httpMethod=method,
            patchOperations=[{"op": "replace", "path": "/authorizationType", "value": kind}],
        )
    apply_gateway_responses(stack.aws(), stack)  # deploys the stage once more


def client(stack: StackInfo, credentials: Credentials | None) -> httpx.Client:
    """A client with the key of the stack, which signs its requests."""
    auth = Signature(credentials, stack.region) if credentials else None
    headers = {"x-api-key": stack.api_key}
    return httpx.Client(base_url=stack.api_url, headers=headers, auth=auth, timeout=60, trust_env=False)


@pytest.mark.usefixtures("api")
def test_signed_requests_pass(guarded_stack: StackInfo, caller: Credentials) -> None:
    """The signature covers path, query and body as they are sent."""
    rows = (ROOT / "examples" / "penguins.csv").read_bytes()
    with client(guarded_stack, caller) as signing:
        assert 200 == signing.get("/v2").status_code
        path = "/v2/models/penguins/predict?join=island,sex&outputs=species"
        answer = signing.post(path, content=rows, headers={"content-type": "text/csv"})
        assert (200, "island,sex,species") == (answer.status_code, answer.text.splitlines()[0])


@pytest.mark.usefixtures("api")
def test_others_are_refused(guarded_stack: StackInfo, caller: Credentials) -> None:
    """A wrong secret and no signature at all are refused, whatever the key says."""
    forged = Credentials(caller.access_key, "0" * 40)
    for credentials, status in ((forged, 403), (None, 404)):
        with client(guarded_stack, credentials) as other:
            answer = other.get("/v2")
            assert (status, ["error"]) == (answer.status_code, list(answer.json()))
