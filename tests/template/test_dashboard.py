"""The dashboard: JSON that CloudWatch can read, about metrics that are written."""

import json
import re
from typing import Any

import pytest

from tests.template.translated import of_type, references

COUNTS = {"Requests", "ClientErrors", "ServerErrors", "ColdStart", "ModelLoadErrors"}
TIMES = {"Latency", "InferenceTime", "ModelLoadTime"}
JOBS = {"JobsSubmitted", "JobsSucceeded", "JobsFailed", "JobsRetried", "JobsExpired", "JobsCancelled"}
BATCHES = {"BatchesAccepted", "BatchesRetried", "BatchesCancelled", "BatchesFailed"} | {
    "BatchesSucceeded",
    "BatchesSucceededWithErrors",
    "BatchFilesSucceeded",
    "BatchFilesFailed",
    "BatchRecords",
    "BatchFailedRecords",
    "ChunkTime",
    "PeakMemory",
}
WORK = {"QueueTime", "InferenceTime", "Attempts", "GroupSize", "BatchSize"}


@pytest.fixture(scope="module")
def widgets(template: dict[str, Any]) -> list[dict[str, Any]]:
    """The widgets, with one name in the place of every reference."""
    text = of_type(template, "AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"][0]
    found: list[dict[str, Any]] = json.loads(re.sub(r"\$\{[^}]+\}", "name", text))["widgets"]
    return found


def test_widgets_do_not_overlap(widgets: list[dict[str, Any]]) -> None:
    """Every widget has a place of its own on a grid that is 24 units wide."""
    cells = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_every_metric_of_ours_is_shown(widgets: list[dict[str, Any]]) -> None:
    """What functions write for each model is all on the dashboard, and nothing else is looked for."""
    expressions = "".join(_expressions(widgets))
    assert COUNTS | TIMES | JOBS | WORK | BATCHES == set(re.findall(r'MetricName="(\w+)"', expressions))


def test_searches_name_services_that_exist(template: dict[str, Any], widgets: list[dict[str, Any]]) -> None:
    """A metric is looked for under the name that its function writes it under."""
    functions = of_type(template, "AWS::Lambda::Function").values()
    services = {function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for function in functions}
    assert set(re.findall(r'service="([\w-]+)"', "".join(_expressions(widgets)))) <= services


def test_dead_letters_and_the_queue_are_shown(widgets: list[dict[str, Any]]) -> None:
    """Depth, age and what is in flight, and the dead letters by the dimension that their alarm watches."""
    plain = [metric for metric in _metrics(widgets) if isinstance(metric[0], str)]
    assert {
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateAgeOfOldestMessage",
    } == {metric[1] for metric in plain if metric[0] == "AWS/SQS"}
    ours = [metric[:4] for metric in plain if metric[0] == "Triptych"]
    assert [["Triptych", "JobsDeadLettered", "service", "job-keeper"]] == ours


def test_everything_that_is_shown_is_in_the_template(template: dict[str, Any]) -> None:
    """The dashboard asks for functions and queues that are deployed with it."""
    dashboard = of_type(template, "AWS::CloudWatch::Dashboard")["Dashboard"]
    names = {name for name in references(dashboard) if "::" not in name}
    assert {"JobsQueue", "JobsDeadLetterQueue", "JobWorkerFunction"} <= names <= template["Resources"].keys()


def _expressions(widgets: list[dict[str, Any]]) -> list[str]:
    return [metric[0]["expression"] for metric in _metrics(widgets) if isinstance(metric[0], dict)]


def _metrics(widgets: list[dict[str, Any]]) -> list[list[Any]]:
    return [metric for widget in widgets for metric in widget["properties"]["metrics"]]
