"""The resources of the template: they can be made, are named as promised, are watched and guarded."""

from graphlib import TopologicalSorter
from typing import Any

import pytest

from tests.template.translated import of_type, references

LOGICAL_IDS = {"RealtimeFunction", "OnnxRuntimeLayer", "TriptychLayer", "ModelsLayer", "Api", "ModelBucket"}


def test_no_resource_waits_for_itself(template: dict[str, Any]) -> None:
    """The resources can be made one after the other; linters do not see the circles that SAM makes."""
    resources = template["Resources"]
    waits_for = {name: _awaited(resource) & resources.keys() for name, resource in resources.items()}
    assert len(resources) == len(list(TopologicalSorter(waits_for).static_order()))


def test_names_that_users_rely_on(written: dict[str, Any]) -> None:
    """Scripts, documents and events refer to these names."""
    assert LOGICAL_IDS <= set(written["Resources"])
    assert {"ApiUrl", "ApiKeyId", "ModelBucket"} <= set(written["Outputs"])
    function = written["Resources"]["RealtimeFunction"]["Properties"]
    assert ("functions/realtime/", "realtime_handler.handler") == (function["CodeUri"], function["Handler"])
    assert "MODEL_REPOSITORY" in function["Environment"]["Variables"]


@pytest.mark.parametrize("section", ["Parameters", "Outputs"])
def test_everything_is_described(written: dict[str, Any], section: str) -> None:
    """Whoever deploys is told what each parameter and each output is."""
    assert [] == [name for name, entry in written[section].items() if not entry.get("Description")]


def test_every_parameter_has_a_default(written: dict[str, Any]) -> None:
    """A first deployment asks for nothing."""
    assert [] == [name for name, entry in written["Parameters"].items() if "Default" not in entry]


def test_a_version_is_described_by_every_value_that_it_depends_on(written: dict[str, Any]) -> None:
    """A parameter that changes makes a new version, so it has to be in the version's description."""
    function = dict(written["Resources"]["RealtimeFunction"]["Properties"])
    description = set(references(function.pop("VersionDescription")))
    used = {*references([function, written["Globals"]["Function"]])} & written["Parameters"].keys()
    # The directory of the layer is always the same in one place; concurrency is no property of a version.
    assert used - {"ModelDirectory", "ReservedConcurrency"} == description


def test_the_description_of_a_version_fits(written: dict[str, Any]) -> None:
    """Lambda takes 256 characters, which the limits of the parameters ensure."""
    names = list(references(written["Resources"]["RealtimeFunction"]["Properties"]["VersionDescription"]))
    longest = sum(_longest(written["Parameters"][name]) for name in names)
    assert longest + len(names) - 1 <= 256


def test_logs_are_forgotten(template: dict[str, Any]) -> None:
    """Every function and the API log to a group whose lines expire, not to one that is kept for ever."""
    groups = of_type(template, "AWS::Logs::LogGroup")
    assert all({"Ref": "LogRetentionDays"} == group["RetentionInDays"] for group in groups.values())
    for function in of_type(template, "AWS::Lambda::Function").values():
        group = groups[function["LoggingConfig"]["LogGroup"]["Ref"]]
        assert "/aws/lambda/" + function["FunctionName"]["Fn::Sub"] == group["LogGroupName"]["Fn::Sub"]


def test_buckets_are_guarded(template: dict[str, Any]) -> None:
    """A bucket is private, encrypted, versioned, cleaned up, and stays when the stack goes."""
    for name, bucket in of_type(template, "AWS::S3::Bucket").items():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert 4 == len(bucket["PublicAccessBlockConfiguration"])
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert {"Status": "Enabled"} == bucket["VersioningConfiguration"]
        assert all("Enabled" == rule["Status"] for rule in bucket["LifecycleConfiguration"]["Rules"])
        assert "Retain" == template["Resources"][name]["DeletionPolicy"]


def test_buckets_refuse_plain_http(template: dict[str, Any]) -> None:
    """Each bucket has a policy that denies everything that does not come over TLS."""
    policies = of_type(template, "AWS::S3::BucketPolicy").values()
    assert set(of_type(template, "AWS::S3::Bucket")) == {policy["Bucket"]["Ref"] for policy in policies}
    for policy in policies:
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert ("Deny", "*", "s3:*") == (statement["Effect"], statement["Principal"], statement["Action"])
        assert {"Bool": {"aws:SecureTransport": "false"}} == statement["Condition"]


def test_alarms_watch_what_users_feel(template: dict[str, Any]) -> None:
    """Errors, throttles and latency raise an alarm that reaches the topic; silence does not."""
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    watched = {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms}
    functions = {("AWS/Lambda", "Errors"), ("AWS/Lambda", "Throttles")}
    assert functions | {("AWS/ApiGateway", "5XXError"), ("AWS/ApiGateway", "Latency")} == watched
    for alarm in alarms:
        assert "notBreaching" == alarm["TreatMissingData"]
        assert [{"Ref": "AlarmTopic"}] == alarm["AlarmActions"]
        assert alarm["AlarmDescription"]


def _awaited(resource: dict[str, Any]) -> set[str]:
    depends = resource.get("DependsOn", [])
    awaited = {depends} if isinstance(depends, str) else set(depends)
    return awaited | set(references(resource.get("Properties", {})))


def _longest(parameter: dict[str, Any]) -> int:
    if "AllowedValues" in parameter:
        return max(len(value) for value in parameter["AllowedValues"])
    return int(parameter["MaxLength"]) if "MaxLength" in parameter else len(str(parameter["MaxValue"]))
