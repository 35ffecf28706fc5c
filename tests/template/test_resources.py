"""The resources of the template: they can be made, are named as promised, are watched and guarded."""

import re
from graphlib import TopologicalSorter
from typing import Any

import pytest

from tests.template.translated import of_type, references

HANDLERS = {
    "RealtimeFunction": ("functions/realtime/", "realtime_handler.handler"),
    "InferenceFunction": ("functions/inference/", "inference_handler.handler"),
    "JobsFunction": ("functions/async/", "jobs_handler.handler"),
    "JobWorkerFunction": ("functions/async/", "worker_handler.handler"),
    "JobKeeperFunction": ("functions/async/", "keeper_handler.handler"),
    "BatchFunction": ("functions/batch/", "upload_handler.handler"),
    "BatchStepsFunction": ("functions/batch/", "steps_handler.handler"),
    "BatchesFunction": ("functions/batch/", "batches_handler.handler"),
}
LOGICAL_IDS = {
    "OnnxRuntimeLayer",
    "TriptychLayer",
    "ModelsLayer",
    "LibrariesLayer",
    "ModelFilesLayer",
    "ModelWeightsLayer",
    "Api",
    "ModelBucket",
    "JobsTable",
    "JobsQueue",
} | {
    "JobsDeadLetterQueue",
    "JobInputsBucket",
    "ResultsBucket",
    "JobsTopic",
    "InputBucket",
    "OutputBucket",
    "BatchWorkBucket",
    "BatchesTable",
    "PredictionsTable",
    "BatchQueue",
    "BatchDeadLetterQueue",
    "BatchesTopic",
    "BatchSchedule",
    "BatchStateMachine",
}
OUTPUTS = {
    *("ApiUrl", "ApiKeyId", "ModelBucket", "AlarmTopic", "DashboardUrl"),
    *("JobsQueueUrl", "JobsTopicArn", "ResultsBucket"),
    *("InputBucket", "OutputBucket", "BatchesTopicArn"),
}


def test_no_resource_waits_for_itself(template: dict[str, Any]) -> None:
    """The resources can be made one after the other; linters do not see the circles that SAM makes."""
    resources = template["Resources"]
    waits_for = {name: _awaited(resource) & resources.keys() for name, resource in resources.items()}
    assert len(resources) == len(list(TopologicalSorter(waits_for).static_order()))


def test_names_that_users_rely_on(written: dict[str, Any]) -> None:
    """Scripts, documents and events refer to these names."""
    assert LOGICAL_IDS | set(HANDLERS) <= set(written["Resources"])
    assert OUTPUTS == set(written["Outputs"])
    functions = of_type(written, "AWS::Serverless::Function")
    assert HANDLERS == {name: (each["CodeUri"], each["Handler"]) for name, each in functions.items()}
    assert "MODEL_REPOSITORY" in written["Globals"]["Function"]["Environment"]["Variables"]


def test_every_function_logs_where_its_name_says(written: dict[str, Any]) -> None:
    """Whoever looks for the log of a function finds it beside it."""
    for name, function in of_type(written, "AWS::Serverless::Function").items():
        assert {"Ref": name.replace("Function", "Logs")} == function["LoggingConfig"]["LogGroup"]


@pytest.mark.parametrize("section", ["Parameters", "Outputs"])
def test_everything_is_described(written: dict[str, Any], section: str) -> None:
    """Whoever deploys is told what each parameter and each output is."""
    assert [] == [name for name, entry in written[section].items() if not entry.get("Description")]


def test_every_parameter_has_a_default(written: dict[str, Any]) -> None:
    """A first deployment asks for nothing."""
    assert [] == [name for name, entry in written["Parameters"].items() if "Default" not in entry]


@pytest.mark.parametrize("name", HANDLERS)
def test_a_version_is_described_by_every_value_that_it_depends_on(written: dict[str, Any], name: str) -> None:
    """A parameter that changes makes a new version, so it has to be in the version's description."""
    function = dict(written["Resources"][name]["Properties"])
    description = set(references(function.pop("VersionDescription")))
    used = {*references([function, written["Globals"]["Function"]])} & written["Parameters"].keys()
    # The directory of the layer is always the same in one place; concurrency is no property of a version.
    used -= {"ReservedConcurrency", "JobsReservedConcurrency", "InferenceReservedConcurrency"}
    assert used - {"ModelDirectory", "ModelFilesDirectory"} == description


@pytest.mark.parametrize("name", HANDLERS)
def test_the_description_of_a_version_fits(written: dict[str, Any], name: str) -> None:
    """Lambda takes 256 characters, which the limits of the parameters ensure."""
    description = written["Resources"][name]["Properties"]["VersionDescription"]
    assert _longest(description, written["Parameters"]) <= 256


def test_logs_are_forgotten(template: dict[str, Any]) -> None:
    """Every function and the API log to a group whose lines expire, not to one that is kept for ever."""
    groups = of_type(template, "AWS::Logs::LogGroup")
    assert all({"Ref": "LogRetentionDays"} == group["RetentionInDays"] for group in groups.values())
    for function in of_type(template, "AWS::Lambda::Function").values():
        group = groups[function["LoggingConfig"]["LogGroup"]["Ref"]]
        assert "/aws/lambda/" + function["FunctionName"]["Fn::Sub"] == group["LogGroupName"]["Fn::Sub"]


def test_buckets_are_guarded(template: dict[str, Any]) -> None:
    """A bucket is private, encrypted, cleaned up, and outlives its stack, not a failed first deployment."""
    for name, bucket in of_type(template, "AWS::S3::Bucket").items():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert 4 == len(bucket["PublicAccessBlockConfiguration"])
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert all("Enabled" == rule["Status"] for rule in bucket["LifecycleConfiguration"]["Rules"])
        assert "RetainExceptOnCreate" == template["Resources"][name]["DeletionPolicy"]
        assert "Retain" == template["Resources"][name]["UpdateReplacePolicy"]


def test_tables_are_encrypted_at_no_charge(template: dict[str, Any]) -> None:
    """Without a specification DynamoDB encrypts with a key that it owns; calls of another are billed."""
    tables = of_type(template, "AWS::DynamoDB::Table").values()
    assert 3 == len(tables)
    assert all("SSESpecification" not in table for table in tables)


def test_models_and_inputs_can_be_brought_back(template: dict[str, Any]) -> None:
    """A model or an input that was replaced is still there; nothing else leaves a second copy."""
    buckets = of_type(template, "AWS::S3::Bucket").items()
    versioned = {name for name, bucket in buckets if "VersioningConfiguration" in bucket}
    assert {"ModelBucket", "InputBucket"} == versioned
    for name in versioned:
        assert {"Status": "Enabled"} == dict(buckets)[name]["VersioningConfiguration"]


def test_buckets_refuse_plain_http(template: dict[str, Any]) -> None:
    """Each bucket has a policy that denies everything that does not come over TLS."""
    policies = of_type(template, "AWS::S3::BucketPolicy").values()
    assert set(of_type(template, "AWS::S3::Bucket")) == {policy["Bucket"]["Ref"] for policy in policies}
    for policy in policies:
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert ("Deny", "*", "s3:*") == (statement["Effect"], statement["Principal"], statement["Action"])
        assert {"Bool": {"aws:SecureTransport": "false"}} == statement["Condition"]


def test_alarms_watch_what_users_feel(template: dict[str, Any]) -> None:
    """Errors, throttles, latency and waiting raise an alarm that reaches the topic; silence does not."""
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    watched = {(alarm["Namespace"], alarm["MetricName"], _watched(alarm)) for alarm in alarms}
    assert len(alarms) == len(watched)
    assert {("AWS/Lambda", "Errors", name) for name in HANDLERS} | {
        ("AWS/Lambda", "Throttles", "RealtimeFunction"),
        ("AWS/Lambda", "Throttles", "JobWorkerFunction"),
        ("AWS/Lambda", "Throttles", "InferenceFunction"),
        ("AWS/ApiGateway", "5XXError", "ApiapiStage"),
        ("AWS/ApiGateway", "Latency", "/v2/models/{model}/infer"),
        ("AWS/ApiGateway", "Latency", "/v2/models/{model}/predict"),
        ("AWS/ApiGateway", "Latency", "/v2/models/{model}/versions/{version}/infer"),
        ("AWS/ApiGateway", "Latency", "/v2/models/{model}/versions/{version}/predict"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", "JobsQueue"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "JobsDeadLetterQueue"),
        ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "JobsDeadLetterQueue"),
        ("Triptych", "JobsDeadLettered", "job-keeper"),
        ("AWS/States", "ExecutionsFailed", "BatchStateMachine"),
        ("AWS/States", "ExecutionsTimedOut", "BatchStateMachine"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", "BatchQueue"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "BatchDeadLetterQueue"),
    } == watched
    for alarm in alarms:
        assert "notBreaching" == alarm["TreatMissingData"]
        assert [{"Ref": "AlarmTopic"}] == alarm["AlarmActions"]
        assert alarm["AlarmDescription"]


def _watched(alarm: dict[str, Any]) -> str:
    resource: list[str] = [entry["Value"] for entry in alarm["Dimensions"] if entry["Name"] == "Resource"]
    found = resource or [name for name in references(alarm["Dimensions"]) if "::" not in name]
    return found[0] if found else alarm["Dimensions"][0]["Value"]


def _awaited(resource: dict[str, Any]) -> set[str]:
    depends = resource.get("DependsOn", [])
    awaited = {depends} if isinstance(depends, str) else set(depends)
    return awaited | set(references(resource.get("Properties", {})))


def _longest(value: Any, parameters: dict[str, Any]) -> int:  # noqa: ANN401 - any function of CloudFormation
    match value:
        case {"Fn::Sub": [str(text), dict(variables)]}:
            refs = re.findall(r"\$\{([^}]+)\}", text)
            literal = len(re.sub(r"\$\{[^}]+\}", "", text))
            return literal + sum(_longest(variables.get(name, {"Ref": name}), parameters) for name in refs)
        case {"Fn::Sub": str(text)}:
            return _longest({"Fn::Sub": [text, {}]}, parameters)
        case {"Fn::If": [_, *choices]}:
            return max(_longest(choice, parameters) for choice in choices)
        case str() | int():
            return len(str(value))
        case {"Ref": name}:
            return _longest_value(parameters[name])
        case _:
            raise AssertionError(value)


def _longest_value(parameter: dict[str, Any]) -> int:
    if "AllowedValues" in parameter:
        return max(len(str(value)) for value in parameter["AllowedValues"])
    return int(parameter["MaxLength"]) if "MaxLength" in parameter else len(str(parameter["MaxValue"]))
