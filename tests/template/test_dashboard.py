"""The dashboard: JSON that CloudWatch can read, about metrics that are written."""

import json
import re
from typing import Any

import pytest

from tests.template.translated import of_type

COUNTS = {"Requests", "ClientErrors", "ServerErrors", "ColdStart", "ModelLoadErrors"}
TIMES = {"Latency", "InferenceTime", "ModelLoadTime"}


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
    """The metrics that the function writes are all on the dashboard, and no other is looked for."""
    assert COUNTS | TIMES == set(re.findall(r'MetricName="(\w+)"', "".join(_expressions(widgets))))


def _expressions(widgets: list[dict[str, Any]]) -> list[str]:
    metrics = [metric for widget in widgets for metric in widget["properties"]["metrics"]]
    return [metric[0]["expression"] for metric in metrics if isinstance(metric[0], dict)]
