"""The API of the translated template: its routes, their keys, and what the gateway itself answers."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from triptych.http.routes import job_routes, realtime_routes

from tests.template.translated import of_type, translate

KEY: dict[str, list[str]] = {"api_key": []}
HEALTH = {("GET", "/v2/health/live"), ("GET", "/v2/health/ready")}
STATUS = {
    "INVALID_API_KEY": 403,
    "ACCESS_DENIED": 403,
    "THROTTLED": 429,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "INTEGRATION_TIMEOUT": 504,
    "INTEGRATION_FAILURE": 503,
}

type Routes = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def body(template: dict[str, Any]) -> dict[str, Any]:
    """The definition of the API."""
    api: dict[str, Any] = template["Resources"]["Api"]["Properties"]["Body"]
    return api


@pytest.fixture(scope="module")
def routes(body: dict[str, Any]) -> Routes:
    """The operations of the API by method and path."""
    return _routes(body)


@pytest.mark.parametrize(
    ("function", "known"),
    [("RealtimeFunction", realtime_routes()), ("JobsFunction", job_routes())],
    ids=["realtime", "jobs"],
)
def test_the_gateway_and_the_function_know_the_same_routes(
    routes: Routes, function: str, known: Mapping[tuple[str, str], object]
) -> None:
    """No route ends at the gateway that a function would answer, and the function answers what reaches it."""
    reach = {route for route, operation in routes.items() if f"${{{function}Alias" in _target(operation)}
    assert set(known) == reach


def test_every_route_goes_to_a_function(routes: Routes) -> None:
    """Each request reaches the published version of a function, whole."""
    integrations = [operation["x-amazon-apigateway-integration"] for operation in routes.values()]
    assert {"aws_proxy"} == {integration["type"] for integration in integrations}
    targets = [_target(operation) for operation in routes.values()]
    assert all(re.search(r"\$\{(Realtime|Jobs|Batches)FunctionAliaslive\}", target) for target in targets)


def test_only_health_goes_without_a_key(routes: Routes) -> None:
    """Whoever probes the health needs no key; everybody else does."""
    keyless = {route for route, operation in routes.items() if KEY not in operation.get("security", [])}
    assert HEALTH == keyless


def test_signatures_can_be_asked_for() -> None:
    """One parameter makes every route ask for a signature beside the key."""
    signed = _routes(translate(Authorization="AWS_IAM")["Resources"]["Api"]["Properties"]["Body"])
    assert all({"AWS_IAM": []} in operation["security"] for operation in signed.values())


def test_requests_may_be_binary(body: dict[str, Any]) -> None:
    """Bodies reach the function as they were sent, whatever their type."""
    assert ["*/*"] == body["x-amazon-apigateway-binary-media-types"]


@pytest.mark.parametrize("function", ["RealtimeFunction", "JobsFunction", "BatchesFunction"])
def test_the_function_ends_before_the_gateway_gives_up(template: dict[str, Any], function: str) -> None:
    """The function's own timeout is the shorter one; the gateway waits 29 seconds."""
    assert template["Resources"][function]["Properties"]["Timeout"] < 29


@pytest.mark.parametrize("kind", ["DEFAULT_4XX", "DEFAULT_5XX", *STATUS])
def test_errors_of_the_gateway_have_the_protocols_shape(body: dict[str, Any], kind: str) -> None:
    """What the gateway answers by itself is JSON with one field, `error`, and the right status."""
    response = body["x-amazon-apigateway-gateway-responses"][kind]
    text = response["responseTemplates"]["application/json"]
    answer = json.loads(text.replace("$context.error.messageString", '"a message, quoted already"'))

    assert ["error"] == list(answer)
    assert "$" not in answer["error"]
    assert STATUS.get(kind) == (int(response["statusCode"]) if "statusCode" in response else None)


def test_who_finds_no_environment_is_asked_to_try_again(body: dict[str, Any]) -> None:
    """A Lambda function that is throttled is an integration failure to the gateway: it has not run."""
    response = body["x-amazon-apigateway-gateway-responses"]["INTEGRATION_FAILURE"]
    assert {"gatewayresponse.header.Retry-After": "'2'"} == response["responseParameters"]
    assert "try again" in response["responseTemplates"]["application/json"]


def test_an_unknown_path_does_not_speak_of_signatures(template: dict[str, Any], body: dict[str, Any]) -> None:
    """The gateway answers alike to a missing signature: that is mentioned where signatures are asked for."""
    response = body["x-amazon-apigateway-gateway-responses"]["MISSING_AUTHENTICATION_TOKEN"]
    condition, *templates = response["responseTemplates"]["application/json"]["Fn::If"]
    signed, unsigned = (json.loads(text)["error"] for text in templates)

    assert {"Fn::Equals": [{"Ref": "Authorization"}, "AWS_IAM"]} == template["Conditions"][condition]
    assert "404" == response["statusCode"]
    assert "sign" in signed
    assert "sign" not in unsigned
    assert all("no such path or method: see /docs" in text for text in (signed, unsigned))


def test_throttles_hold_with_and_without_a_key(template: dict[str, Any]) -> None:
    """Each method has a limit, whoever calls; the plan of a key bounds all its requests together."""
    plan = of_type(template, "AWS::ApiGateway::UsagePlan")["UsagePlan"]["Throttle"]
    limits = ({"Ref": "ThrottleRate"}, {"Ref": "ThrottleBurst"})

    assert limits == _limits(_settings(template)["*", "/*"])
    assert limits == (plan["RateLimit"], plan["BurstLimit"])


def test_what_needs_no_key_has_a_small_limit(template: dict[str, Any], routes: Routes) -> None:
    """A month of requests to all methods without a key, at their limit, costs less than $50."""
    keyless = [route for route, operation in routes.items() if KEY not in operation.get("security", [])]
    per_second = sum(_settings(template)[route]["ThrottlingRateLimit"] for route in keyless)
    request = (3.50 + 0.20) / 1e6  # dollars of API Gateway and Lambda
    assert 0 < per_second * 365 / 12 * 86400 * request < 50


def test_settings_of_single_methods_are_whole(template: dict[str, Any], routes: Routes) -> None:
    """They name methods that exist, and repeat what the settings for all methods say."""
    settings = _settings(template)
    everywhere = settings.pop(("*", "/*"))
    assert settings.keys() <= routes.keys()
    assert all(everywhere.keys() == setting.keys() for setting in settings.values())


def test_only_inference_has_metrics_of_its_methods(template: dict[str, Any]) -> None:
    """Metrics of methods cost money: those that alarms watch are written, and no others."""
    watched = {
        (dimensions["Method"], dimensions["Resource"])
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if "Resource" in (dimensions := {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]})
    }
    assert 4 == len(watched)
    assert all(path.endswith(("/infer", "/predict")) for _, path in watched)
    assert watched == {route for route, setting in _settings(template).items() if setting["MetricsEnabled"]}


def test_a_quota_is_optional(template: dict[str, Any]) -> None:
    """Where a number of requests is given, it bounds what each key can cost."""
    condition, quota, otherwise = of_type(template, "AWS::ApiGateway::UsagePlan")["UsagePlan"]["Quota"][
        "Fn::If"
    ]
    assert {"Ref": "AWS::NoValue"} == otherwise
    assert {"Limit": {"Ref": "QuotaRequests"}, "Period": {"Ref": "QuotaPeriod"}} == quota
    assert {"Fn::Not": [{"Fn::Equals": [{"Ref": "QuotaRequests"}, ""]}]} == template["Conditions"][condition]


def test_there_is_one_stage(template: dict[str, Any]) -> None:
    """SAM adds no stage of its own beside ours."""
    assert ["ApiapiStage"] == list(of_type(template, "AWS::ApiGateway::Stage"))
    deployments = of_type(template, "AWS::ApiGateway::Deployment").values()
    assert all("StageName" not in deployment for deployment in deployments)


@pytest.mark.parametrize("function", ["RealtimeFunction", "JobsFunction", "BatchesFunction"])
def test_the_permissions_of_the_routes_fit(template: dict[str, Any], function: str) -> None:
    """Lambda takes 20 kB of permissions per function; ours fit with a stack name of 40 characters."""
    stack, account = "s" * 40, "1" * 12
    region = "ap-southeast-1"  # a long one
    permissions = of_type(template, "AWS::Lambda::Permission").items()
    statements = [
        {
            "Sid": f"{stack}-{name}-{'R' * 12}",
            "Effect": "Allow",
            "Principal": {"Service": permission["Principal"]},
            "Action": permission["Action"],
            "Resource": f"arn:aws:lambda:{region}:{account}:function:{stack}-realtime:live",
            "Condition": {"ArnLike": {"AWS:SourceArn": _source_arn(permission, region, account)}},
        }
        for name, permission in permissions
        if {"Ref": f"{function}Aliaslive"} == permission["FunctionName"]
    ]
    assert statements
    assert len(json.dumps(statements, separators=(",", ":"))) < 20 * 1024


def _source_arn(permission: dict[str, Any], region: str, account: str) -> str:
    text: str = permission["SourceArn"]["Fn::Sub"][0]
    values = {
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::AccountId": account,
        "__ApiId__": "a" * 10,
    }
    return re.sub(r"\$\{([^}]+)\}", lambda match: values.get(match[1], "0123456789"), text)


def _settings(template: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The settings of methods by verb and path, which CloudFormation takes with ~1 for slashes."""
    entries = of_type(template, "AWS::ApiGateway::Stage")["ApiapiStage"]["MethodSettings"]
    return {
        (entry["HttpMethod"], entry["ResourcePath"].replace("/~1", "/").replace("~1", "/")): {
            name: value for name, value in entry.items() if name not in {"HttpMethod", "ResourcePath"}
        }
        for entry in entries
    }


def _limits(setting: dict[str, Any]) -> tuple[Any, Any]:
    return setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]


def _target(operation: dict[str, Any]) -> str:
    return str(operation["x-amazon-apigateway-integration"]["uri"])


def _routes(body: dict[str, Any]) -> Routes:
    return {
        (method.upper(), path): operation
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
    }
