"""The page on operations and the template: every alarm has its place, and every name on the page exists."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.template.translated import of_type

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def test_every_alarm_is_explained(template: dict[str, Any]) -> None:
    """Whoever is woken up finds what to do, and nothing on the page is of the past."""
    assert set(of_type(template, "AWS::CloudWatch::Alarm")) == set(re.findall(r"`(\w+Alarm)`", PAGE))


def test_resources_and_parameters_exist(template: dict[str, Any]) -> None:
    """Names of log groups, and of what is to be raised or lowered, are those of the stack."""
    resources = {*re.findall(r"\b[A-Z]\w+Logs\b", PAGE), *re.findall(r"\$\(resource (\w+)\)", PAGE)}
    assert len(resources) > 5
    assert resources <= template["Resources"].keys()
    parameters = set(re.findall(r"(?:[Rr]aise|[Ll]ower|see|or) `(\w+)`", PAGE))
    assert len(parameters) > 5
    assert parameters <= template["Parameters"].keys()


def test_the_log_of_the_gateway_has_the_fields_that_are_asked_for(template: dict[str, Any]) -> None:
    """The query of the page reads what the stage is told to write."""
    (query,) = re.findall(r"ask ApiLogs '(.*)'", PAGE)
    stage = of_type(template, "AWS::ApiGateway::Stage")["ApiapiStage"]
    written = json.loads(stage["AccessLogSetting"]["Format"]).keys()
    _, asked = query.split(" by ")
    assert set(asked.split(", ")) <= written


@pytest.mark.parametrize(
    ("call", "allowed"),
    [
        ("POST/v2/models/penguins/predict", True),
        ("POST/v2/models/penguins/versions/1/infer", True),
        ("POST/v2/models/penguins/jobs", True),
        ("GET/v2/jobs/1/result", True),
        ("POST/v2/models/digits/predict", False),
        ("DELETE/v2/jobs/1", False),
        ("POST/v2/batches", False),
    ],
)
def test_the_policy_allows_what_it_says(call: str, allowed: bool) -> None:  # noqa: FBT001 - what is expected
    """The policy to copy is for predictions and jobs of its model, and for nothing else."""
    (text,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (statement,) = json.loads(text)["Statement"]
    assert ("Allow", "execute-api:Invoke") == (statement["Effect"], statement["Action"])
    assert allowed == any(fnmatchcase(call, arn.split("/api/")[1]) for arn in statement["Resource"])
