"""What commands on an account know of the template is what the template says."""

import json
import re
from typing import Any

from account import template as known
from account.destroy import CONTENTS
from account.parameters import QUESTIONS
from account.plan import DEFAULT_STACK_NAME
from local.build import ROOT
from tests.template.translated import of_type

NAMES = {  # property that names a resource, and the most characters of it
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Lambda::LayerVersion": ("LayerName", 140),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
    "AWS::Scheduler::Schedule": ("Name", 64),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::ApiGateway::RestApi": ("Name", 255),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::SNS::Topic": ("DisplayName", 100),
    "AWS::DynamoDB::Table": ("TableName", 255),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
    "AWS::IAM::Role": ("RoleName", 64),
}


def test_the_limit_of_names_is_that_of_the_longest(template: dict[str, Any]) -> None:
    """A stack's name has room in every name that holds it, and not one character is given away."""
    room = [limit - len(name.replace("${AWS::StackName}", "")) for name, limit in _names(template)]

    assert known.STACK_NAME_LIMIT == min(room)


def test_every_kind_of_name_is_looked_at(template: dict[str, Any]) -> None:
    """A new kind of resource with the stack's name in it belongs into the list above."""
    kinds = {
        resource["Type"]
        for resource in template["Resources"].values()
        for name, value in resource.get("Properties", {}).items()
        if name.endswith("Name") and "AWS::StackName" in json.dumps(value)
    }

    assert kinds <= NAMES.keys()


def test_buckets_that_stay_are_explained() -> None:
    """`make destroy` says what each holds."""
    assert known.retained_buckets()
    assert set(known.retained_buckets()) == CONTENTS.keys()


def test_log_groups_are_those_of_the_stack(template: dict[str, Any]) -> None:
    """Each one that the stack creates is looked for before."""
    groups = list(of_type(template, "AWS::Logs::LogGroup"))

    assert len(groups) == len(known.log_groups("shop"))
    assert "/aws/lambda/shop-realtime" in known.log_groups("shop")


def test_marks_and_questions_are_parameters() -> None:
    """Parameters are not renamed on one side only."""
    assert known.parameters().keys() >= known.MARKS | QUESTIONS.keys()


def test_the_default_name_is_that_of_sam() -> None:
    """`sam` by hand and `make deploy` mean the same stack."""
    settings = (ROOT / "samconfig.toml").read_text()

    assert {DEFAULT_STACK_NAME} == set(re.findall(r'stack_name = "(.*)"', settings))


def _names(template: dict[str, Any]) -> list[tuple[str, int]]:
    named = [
        (resource.get("Properties", {}).get(NAMES[resource["Type"]][0]), NAMES[resource["Type"]][1])
        for resource in template["Resources"].values()
        if resource["Type"] in NAMES
    ]
    texts = [(_text(value), limit) for value, limit in named]
    return [(text, limit) for text, limit in texts if "${AWS::StackName}" in text]


def _text(value: Any) -> str:  # noqa: ANN401 - any part of a template
    match value:
        case {"Fn::Sub": str(text)}:
            return text.replace("${AWS::Region}", "ap-southeast-1")
        case {"Ref": "AWS::StackName"}:
            return "${AWS::StackName}"
        case _:
            return ""
