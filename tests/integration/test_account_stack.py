"""A stack in an account: how it is found, how its API is called, and what its buckets refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import boto3
import httpx
import pytest
from moto import mock_aws

from local.aws import Aws
from local.calls import Calls
from local.checks import BUCKETS, buckets
from local.failure import LocalFailure
from local.find import find
from local.jobs import Jobs
from local.smoke_run import SmokeRun
from local.stack import StackInfo

REGION: Final = "eu-central-1"
URL = f"https://abc123.execute-api.{REGION}.amazonaws.com/api"
NAMES = (*BUCKETS, "ModelBucket")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account that the environment names, with nothing in it."""
    environment = {"ACCESS_KEY_ID": "caller", "SECRET_ACCESS_KEY": "s" * 40, "DEFAULT_REGION": REGION}
    for name, value in environment.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def deployed(parameters: dict[str, str], outputs: dict[str, Any]) -> None:
    """Deploys a stack of buckets with these parameters and outputs."""
    key = boto3.client("apigateway").create_api_key(name="triptych", value="k" * 20, enabled=True)["id"]
    known = {"ApiKeyId": key, **{name: name.lower() for name in NAMES}, **outputs}
    template = {
        "Parameters": {name: {"Type": "String", "Default": value} for name, value in parameters.items()},
        "Resources": {
            name: {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name.lower()}} for name in NAMES
        },
        "Outputs": {name: {"Value": value} for name, value in known.items()},
    }
    boto3.client("cloudformation").create_stack(StackName="triptych", TemplateBody=json.dumps(template))


def test_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region in the environment goes before the profile's, under either name that AWS's tools read."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    assert REGION == Aws("").session().region_name
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert "eu-north-1" == Aws("").session().region_name


@pytest.fixture
def stack(account: None) -> StackInfo:
    """The stack of the account, whose API takes whoever has the key."""
    assert account is None
    deployed({"Authorization": "NONE", "ExistingModelBucket": ""}, {"ApiUrl": URL})
    return find("triptych")


def test_a_stack_of_the_account(stack: StackInfo) -> None:
    """URL, key and region are those of the account, and no emulator is called."""
    assert (URL, "k" * 20, REGION, "") == (stack.api_url, stack.api_key, stack.region, stack.endpoint_url)
    assert ["inputbucket"] == [stack.outputs["InputBucket"]]


@pytest.mark.usefixtures("account")
def test_stacks_that_are_none_of_ours() -> None:
    """A stack that is not there, and one without an API, are named with the reason."""
    with pytest.raises(LocalFailure, match=r"stack triptych cannot be looked up.*does not exist"):
        find("triptych")
    deployed({}, {})
    with pytest.raises(LocalFailure, match="has no outputs ApiUrl and ApiKeyId"):
        find("triptych")


class Web:
    """What answers requests that leave the machine, instead of the internet.

    Args:
        open_to: Status by kind of request: "signed", "unsigned" (over TLS) and "plain" (HTTP).
    """

    def __init__(self, **open_to: int) -> None:
        self._open_to = open_to
        self.asked: list[str] = []

    def __call__(self, method: str, url: str, **_: object) -> httpx.Response:
        """Answers like S3."""
        asked = httpx.URL(url)
        kind = "plain" if asked.scheme == "http" else "signed" if asked.query else "unsigned"
        self.asked.append(f"{kind} {asked.host.partition('.')[0]}")
        return httpx.Response(self._open_to[kind], request=httpx.Request(method, url))


def checked(stack: StackInfo, web: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    """Checks the buckets of a stack."""
    monkeypatch.setattr(httpx, "request", web)
    with Jobs(stack) as api:
        buckets(SmokeRun(stack, api))
    return web


def test_closed_buckets(stack: StackInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bucket is tried with a signature, without one, and with one over plain HTTP."""
    web = checked(stack, Web(signed=200, unsigned=403, plain=403), monkeypatch)
    assert {f"{kind} {name.lower()}" for kind in ("signed", "unsigned", "plain") for name in NAMES} == set(
        web.asked
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"signed": 200, "unsigned": 200, "plain": 403}, "GET https://inputbucket.*expected 403, got 200"),
        ({"signed": 200, "unsigned": 403, "plain": 200}, "GET http://inputbucket.*expected 403, got 200"),
        ({"signed": 403, "unsigned": 403, "plain": 403}, "GET https://inputbucket.*expected 200, got 403"),
    ],
)
def test_open_buckets(
    stack: StackInfo, found: dict[str, int], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket that the public or plain HTTP can read is found; no signature is in the message."""
    with pytest.raises(LocalFailure, match=said) as failed:
        checked(stack, Web(**found), monkeypatch)
    assert "Signature" not in str(failed.value)


@pytest.mark.usefixtures("account")
def test_the_bucket_of_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model bucket that the stack did not create is left alone: its policy is its owner's."""
    deployed({"ExistingModelBucket": "modelbucket"}, {"ApiUrl": URL})
    web = checked(find("triptych"), Web(signed=200, unsigned=403, plain=403), monkeypatch)
    assert not [asked for asked in web.asked if "modelbucket" in asked]


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("authorization", "signed"), [("AWS_IAM", [f"/{REGION}/execute-api/aws4_request"]), ("NONE", [])]
)
def test_requests_are_signed_where_the_api_asks_for_it(
    authorization: str, signed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Authorization=AWS_IAM each request has a signature for the region, beside the key."""
    deployed({"Authorization": authorization}, {"ApiUrl": URL})
    sent: list[httpx.Request] = []

    def transport(_: object, request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={})

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", transport)
    with Calls(find("triptych")) as calls:
        calls.json("GET", "/v2")

    (request,) = sent
    assert "k" * 20 == request.headers["x-api-key"]
    assert signed == re.findall(
        r"/eu-central-1/execute-api/aws4_request", request.headers.get("authorization", "")
    )
