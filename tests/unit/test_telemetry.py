"""Logs and metrics: what a request leaves behind, and what it does not."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from triptych.aws.telemetry import RequestRecord, Telemetry
from triptych.inference import tensors as inference

from tests.support.realtime import REQUEST_ID, RealtimeFunction, add_model
from tests.support.tiny_models import identity

INFER = "/v2/models/{model}/infer"
PRIVATE = "a very private text"
TEXT = {"name": "x", "shape": [1], "datatype": "BYTES", "data": [PRIVATE]}
UNITS = {
    "Requests": "Count",
    "Latency": "Milliseconds",
}
RARE = {"ClientErrors", "ServerErrors", "ColdStart"}

type Lines = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def fresh_logger() -> Iterator[None]:
    """Forgets the handler that Powertools keeps for the process: it writes to the stdout that there was.

    pytest puts another stdout in place for each test, so each makes its own function.
    """
    state = vars(logging.getLogger("triptych"))
    before = dict(state)
    for name in ("init", "powertools_handler"):  # as before the first line
        state.pop(name, None)
    state["handlers"] = []
    state["_cache"] = {}  # of the levels that are on
    yield
    state.clear()
    state.update(before)


def test_powertools_writes_from_the_first_line_on() -> None:
    """It is imported for the first warning; each line is written once, with the id of its request."""
    program = (
        "import logging, sys; from triptych.aws.telemetry import Telemetry\n"
        "telemetry, logger = Telemetry('realtime', 'Triptych', 'INFO'), logging.getLogger('triptych')\n"
        "telemetry.request_started('one'); telemetry.write('m', {'Requests': 1}, {})\n"
        "assert 'aws_lambda_powertools' not in sys.modules\n"
        "logger.debug('below the level'); logger.warning('first'); telemetry.request_started('two')\n"
        "logger.info('second'); telemetry.unexpected(ValueError('third'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    metrics, *lines = map(json.loads, done.stdout.splitlines())
    assert [1] == metrics["Requests"]
    expected = [("first", "one"), ("second", "two"), ("unexpected failure", "two")]
    assert expected == [(line["message"], line["request_id"]) for line in lines]
    assert ("realtime", "ValueError") == (lines[0]["service"], lines[2]["exception_name"])
    assert "" == done.stderr


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A model that works and one that does not."""
    add_model(tmp_path, "text", identity("BYTES", ["n"]))
    add_model(tmp_path, "corrupt", b"not a model")
    return tmp_path


def infer(function: RealtimeFunction, model: str = "text", tensor: object = TEXT) -> int:
    """Runs a model and gives the status."""
    return function.post(INFER, json.dumps({"inputs": [tensor]}).encode(), model=model).status


def logged(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Everything that was written since last time; each line is JSON, and nothing goes to stderr."""
    written = capsys.readouterr()
    assert "" == written.err
    return [json.loads(line) for line in written.out.splitlines()]


def metrics(line: dict[str, Any]) -> dict[str, float]:
    """The values of the metrics that a line declares."""
    (declared,) = line["_aws"]["CloudWatchMetrics"]
    values = {metric["Name"]: line[metric["Name"]] for metric in declared["Metrics"]}
    return {name: value[0] for name, value in values.items()}


def happened(line: dict[str, Any]) -> set[str]:
    """The rare things that a line counts; each at most once."""
    counted = {name: value for name, value in metrics(line).items() if name in RARE}
    assert all(value == 1 for value in counted.values())
    return set(counted)


def of_requests(lines: Lines) -> Lines:
    """The lines that tell of a request's end."""
    return [line for line in lines if "Requests" in line]


def test_one_line_for_a_request(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A request leaves one line of JSON, which is the access log and the metrics at once."""
    function = RealtimeFunction(models)
    infer(function)
    logged(capsys)
    infer(function)
    (line,) = logged(capsys)
    (declared,) = line["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in declared["Metrics"]}
    assert {**UNITS, "InferenceTime": "Milliseconds"} == units
    assert ("Triptych", [["model", "service"]]) == (declared["Namespace"], declared["Dimensions"])
    assert ("text", "realtime") == (line["model"], line["service"])
    assert ("INFO", "POST /v2/models/{model}/infer") == (line["level"], line["message"])
    assert (REQUEST_ID, 200, None, 1) == (
        line["request_id"],
        line["status"],
        line["error"],
        line["model_version"],
    )
    assert len(json.dumps({"inputs": [TEXT]})) == line["request_bytes"]
    assert len(PRIVATE) < line["response_bytes"] < 1000
    values = metrics(line)
    assert 0 < values["InferenceTime"] <= values["Latency"] < 5000
    assert 1 == values["Requests"]
    assert set() == happened(line)


def test_cold_start_once(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the first request of a process is a cold start."""
    function = RealtimeFunction(models)
    for _ in range(3):
        function.get("/v2")
    assert [{"ColdStart"}, set(), set()] == [happened(line) for line in logged(capsys)]


def test_loading_is_told(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Opening a model leaves a line of its own, with the time it took and the request that it was for."""
    function = RealtimeFunction(models)
    infer(function)
    loaded, _request = logged(capsys)
    assert ["ModelLoadTime"] == list(metrics(loaded))
    assert 0 < metrics(loaded)["ModelLoadTime"] < 5000
    assert ("text", 1, REQUEST_ID) == (loaded["model"], loaded["model_version"], loaded["request_id"])


def test_failed_loading_is_told(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that cannot be opened is counted as its own, with the reason and without a path."""
    function = RealtimeFunction(models)
    assert 503 == infer(function, "corrupt")
    lines = logged(capsys)
    (failed,) = [line for line in lines if "ModelLoadErrors" in line]
    assert ({"ModelLoadErrors": 1}, "corrupt") == (metrics(failed), failed["model"])
    assert failed["message"].startswith("model failed to open: the model cannot be opened")
    assert str(models) not in json.dumps(lines)
    assert [{"ServerErrors", "ColdStart"}] == [happened(line) for line in of_requests(lines)]


def test_the_package_logs_json(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the package logs by itself has the same form, and the id of the request."""
    function = RealtimeFunction(models)
    infer(function, "corrupt")
    (warning,) = [line for line in logged(capsys) if line.get("level") == "WARNING"]
    assert warning["message"].startswith("model corrupt version 1 cannot be loaded")
    assert ("realtime", REQUEST_ID) == (warning["service"], warning["request_id"])


@pytest.mark.parametrize("model", ["made-up", "../../etc/passwd", "x" * 5000])
def test_made_up_names(models: Path, capsys: pytest.CaptureFixture[str], model: str) -> None:
    """A name that a caller made up does not become a metric of its own."""
    function = RealtimeFunction(models)
    infer(function, model)
    (line,) = logged(capsys)
    assert ("none", None, 404, "NotFound") == (
        line["model"],
        line["model_version"],
        line["status"],
        line["error"],
    )
    assert {"ClientErrors", "ColdStart"} == happened(line)
    assert "InferenceTime" not in metrics(line)
    assert model not in json.dumps(line)


@pytest.mark.parametrize("changed", [{}, {"datatype": "FP32"}, {"shape": [3]}, {"data": [PRIVATE, 1]}])
def test_payload_is_never_logged(
    models: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, object]
) -> None:
    """What a caller sends stays out of the log, whether or not it is right."""
    function = RealtimeFunction(models)
    infer(function, "text", {**TEXT, **changed})
    lines = logged(capsys)
    assert 1 == len(of_requests(lines))
    assert PRIVATE not in json.dumps(lines)


def test_unexpected_failure(
    models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure that nobody expected leaves a second line, with the trace and the request's id."""
    function = RealtimeFunction(models)

    def broken(*_: object) -> None:
        raise LookupError("something is broken")

    monkeypatch.setattr(inference, "decode_json", broken)
    assert 500 == infer(function)
    lines = logged(capsys)
    (failure,) = [line for line in lines if "exception" in line]
    assert ("ERROR", "unexpected failure", "LookupError") == (
        failure["level"],
        failure["message"],
        failure["exception_name"],
    )
    assert (REQUEST_ID, "realtime") == (failure["request_id"], failure["service"])
    assert "in broken" in failure["exception"]
    assert PRIVATE not in json.dumps(lines)
    (request,) = of_requests(lines)
    assert ("ERROR", 500, "LookupError") == (request["level"], request["status"], request["error"])
    assert {"ServerErrors", "ColdStart"} == happened(request)


def test_nothing_is_carried_over(capsys: pytest.CaptureFixture[str]) -> None:
    """A line tells of its own request only."""
    telemetry = Telemetry("realtime", "Triptych", "INFO")
    telemetry.request_ended(RequestRecord("1", "POST /", model="m", version=2, inference_milliseconds=1.5))
    telemetry.request_ended(RequestRecord("2", "GET /"))
    first, second = logged(capsys)
    assert ("m", 2, 1.5) == (first["model"], first["model_version"], metrics(first)["InferenceTime"])
    assert ("none", None, "2") == (second["model"], second["model_version"], second["request_id"])
    assert UNITS.keys() == metrics(second).keys()
    assert [["model", "service"]] == second["_aws"]["CloudWatchMetrics"][0]["Dimensions"]


def test_level(capsys: pytest.CaptureFixture[str]) -> None:
    """The package's lines are logged from the level that is set; metrics are written whatever it is."""
    telemetry = Telemetry("realtime", "Triptych", "ERROR")
    logging.getLogger("triptych").warning("hidden")
    telemetry.request_ended(RequestRecord("1", "GET /"))
    assert ["GET /"] == [line["message"] for line in logged(capsys)]
