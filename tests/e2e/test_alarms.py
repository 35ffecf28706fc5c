"""Alarms watch what the deployed stack really reports: each metric is there, with just these dimensions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stack import StackInfo

type Alarm = Mapping[str, Any]

COUNTED_BY_SQS = {
    "ApproximateAgeOfOldestMessage",
    "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible",
}
COUNTED_BY_STEP_FUNCTIONS = {"ExecutionsFailed", "ExecutionsTimedOut"}
COUNTED_BY_API_GATEWAY = {"5XXError", "Latency"}


@pytest.fixture(scope="module")
def alarms(stack: StackInfo) -> list[Alarm]:
    """The deployed alarms."""
    found: list[Alarm] = stack.aws().client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert found
    return found


def dimensions(alarm: Alarm) -> dict[str, str]:
    """Gives the dimensions of the metric that an alarm watches."""
    return {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]}


def of_namespace(alarms: list[Alarm], namespace: str) -> Iterator[Alarm]:
    """Gives the alarms on metrics of one namespace; there are some."""
    found = [alarm for alarm in alarms if alarm["Namespace"] == namespace]
    assert found
    yield from found


def eventually(look: Callable[[], bool], seconds: float = 30) -> bool:
    """Looks until something is so, or time is up."""
    end = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.5)
    return seen


def test_every_namespace_is_looked_at(alarms: list[Alarm]) -> None:
    """An alarm on something else needs a test here."""
    expected = {"AWS/Lambda", "AWS/ApiGateway", "AWS/SQS", "AWS/States", "Triptych"}
    assert expected == {alarm["Namespace"] for alarm in alarms}


def test_crashes_are_counted_where_alarms_look(stack: StackInfo, alarms: list[Alarm]) -> None:
    """The calls of every function have metrics with the alarm's dimensions; those that crash are errors."""
    functions = stack.aws().client("lambda")
    crashed = []
    for alarm in of_namespace(alarms, "AWS/Lambda"):
        answer = functions.invoke(
            FunctionName=dimensions(alarm)["FunctionName"], Payload=json.dumps("no event at all")
        )
        points = recent(stack, alarm)
        assert points, alarm["AlarmName"]
        if "FunctionError" in answer and alarm["MetricName"] == "Errors":
            assert sum(points) > alarm["Threshold"]
            crashed.append(alarm["AlarmName"])
    assert crashed


def recent(stack: StackInfo, alarm: Alarm) -> list[float]:
    """Gives what the metric of an alarm counted in the last hour."""
    now = datetime.now(UTC)
    found = (
        stack.aws()
        .client("cloudwatch")
        .get_metric_statistics(
            Namespace=alarm["Namespace"],
            MetricName=alarm["MetricName"],
            Dimensions=alarm["Dimensions"],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=alarm["Period"],
            Statistics=[alarm["Statistic"]],
        )
    )
    return [point[alarm["Statistic"]] for point in found["Datapoints"]]


def test_a_dead_letter_is_counted(stack: StackInfo, alarms: list[Alarm]) -> None:
    """The line that the function of dead letters writes is the metric that the alarm watches."""
    (alarm,) = of_namespace(alarms, "Triptych")
    aws = stack.aws()
    message = {"model": "penguins", "body": "island\n", "content_type": "text/csv"}
    aws.client("sqs").send_message(
        QueueUrl=stack.resources["JobsDeadLetterQueue"], MessageBody=json.dumps(message)
    )
    group = stack.resources["JobKeeperLogs"]

    def counted() -> bool:
        events = aws.client("logs").filter_log_events(logGroupName=group)["events"]
        return any(
            _counts(json.loads(event["message"]), alarm) for event in events if '"_aws"' in event["message"]
        )

    assert eventually(counted)


def _counts(line: Mapping[str, Any], alarm: Alarm) -> bool:
    return line.get(alarm["MetricName"], [0]) != [0] and any(
        metrics["Namespace"] == alarm["Namespace"]
        and alarm["MetricName"] in {metric["Name"] for metric in metrics["Metrics"]}
        and {**dimensions(alarm)} == {name: line[name] for name in metrics["Dimensions"][0]}
        for metrics in line["_aws"]["CloudWatchMetrics"]
    )


def test_alarms_on_queues_name_queues(stack: StackInfo, alarms: list[Alarm]) -> None:
    """The queue is deployed under that name, and the metric is one of those that SQS has."""
    sqs = stack.aws().client("sqs")
    for alarm in of_namespace(alarms, "AWS/SQS"):
        assert alarm["MetricName"] in COUNTED_BY_SQS
        assert sqs.get_queue_url(**dimensions(alarm))["QueueUrl"]


def test_alarms_on_batches_name_the_state_machine(stack: StackInfo, alarms: list[Alarm]) -> None:
    """The state machine is deployed, and the metric is one of those that Step Functions has."""
    for alarm in of_namespace(alarms, "AWS/States"):
        assert alarm["MetricName"] in COUNTED_BY_STEP_FUNCTIONS
        assert {"StateMachineArn": stack.resources["BatchStateMachine"]} == dimensions(alarm)


def test_alarms_on_the_api_name_its_stage_and_methods(stack: StackInfo, alarms: list[Alarm]) -> None:
    """API, stage, resource and method are deployed under these names; methods are counted apart there."""
    gateway = stack.aws().api_gateway()
    (api,) = (api for api in gateway.get_rest_apis()["items"] if api["name"] == stack.stack_name)
    (stage,) = gateway.get_stages(restApiId=api["id"])["item"]
    methods = {
        (resource["path"], method)
        for resource in gateway.get_resources(restApiId=api["id"], limit=500)["items"]
        for method in resource.get("resourceMethods", {})
    }
    for alarm in of_namespace(alarms, "AWS/ApiGateway"):
        watched = dimensions(alarm)
        assert alarm["MetricName"] in COUNTED_BY_API_GATEWAY
        assert (api["name"], stage["stageName"]) == (watched.pop("ApiName"), watched.pop("Stage"))
        if watched:
            assert (watched["Resource"], watched["Method"]) in methods
