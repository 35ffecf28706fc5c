"""`make smoke` on the deployed stack: all is well, and each check finds what is broken for it."""

from __future__ import annotations

import io
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from rich.console import Console

from local.__main__ import main
from local.calls import Calls
from local.checks import CHECKS, Check
from local.failure import LocalFailure
from local.jobs import Jobs
from local.leftovers import remove
from local.smoke import passes, smoke
from local.smoke_run import SmokeRun
from local.stack import StackInfo

BY_NAME = {check.name: check for check in CHECKS}
BUCKETS = ("InputBucket", "OutputBucket", "ResultsBucket", "JobInputsBucket", "BatchWorkBucket")
TABLES = ("JobsTable", "BatchesTable", "PredictionsTable")


@pytest.fixture
def run(stack: StackInfo) -> Iterator[SmokeRun]:
    """A run that knows the models."""
    with Jobs(stack) as api:
        run = SmokeRun(stack, api)
        run.served = {"penguins", "digits", "recommender", "reviews", "handwriting"}
        yield run
        remove(run)


def line(check: Check, run: SmokeRun) -> tuple[bool, str]:
    """Runs a check; gives whether it passes, and its line."""
    console = Console(file=io.StringIO(), soft_wrap=True, highlight=False)
    passed = passes(console, check, run)
    return passed, console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO


def content(stack: StackInfo) -> list[str]:
    """Lists all objects with their versions, and all items."""
    s3, dynamodb = stack.aws().s3(), stack.aws().client("dynamodb")
    found: list[str] = []
    for bucket in BUCKETS:
        versions = s3.list_object_versions(Bucket=stack.resources[bucket])
        listed = [*versions.get("Versions", []), *versions.get("DeleteMarkers", [])]
        found += [f"{bucket} {each['Key']}" for each in listed]
    for table in TABLES:
        items = dynamodb.scan(TableName=stack.resources[table])["Items"]
        found += [f"{table} {item}" for item in items]
    return found


class Typed:
    """Types the command, and remembers what it has made.

    Args:
        monkeypatch: Of the test.
        capsys: Of the test.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.made: list[str] = []

    def smoke(self, stack: StackInfo) -> list[str]:
        """Checks a stack in which all is well; gives the lines of the checks."""
        self._monkeypatch.setenv("AWS_ENDPOINT_URL", stack.endpoint_url)
        self._monkeypatch.setattr(sys, "argv", ["local", "smoke", "--stack", stack.stack_name])
        self._monkeypatch.setattr("local.smoke.remove", self._remove)
        status = main()
        lines = self._capsys.readouterr().out.splitlines()
        assert status == 0, lines
        return lines[1:]

    def _remove(self, run: SmokeRun) -> list[str]:
        self.made = [run.name, *run.jobs, *run.batches, *run.uploads]
        return remove(run)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """The command."""
    return Typed(monkeypatch, capsys)


def test_all_is_well(stack: StackInfo, typed: Typed) -> None:
    """A line for each check says ok, and nothing stays of what was made."""
    lines = typed.smoke(stack)

    assert all(check.name in line for check, line in zip(CHECKS, lines[:-1], strict=True))
    assert {"ok"} == {line.split()[0] for line in lines if "buckets" not in line}
    assert len(typed.made) >= 10
    assert [] == [each for each in content(stack) if any(name in each for name in typed.made)]


def test_all_is_well_with_least_privilege(guarded_stack: StackInfo, typed: Typed) -> None:
    """The roles of the functions allow all that the checks need."""
    assert {"ok", "skipped"} == {line.split()[0] for line in typed.smoke(guarded_stack)}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is broken between a check and the stack.

    Attributes:
        check: Name of the check that has to notice.
        called: Pattern of the calls whose answers are changed, such as "GET /v2".
        change: Changes the JSON or the text of what is found; a number is the new status of any answer.
        said: What the line says.
        patience: Seconds in which a job has to end.
    """

    check: str
    called: str
    change: Callable[[Any], Any] | int
    said: str
    patience: float = 60

    def changed(self, answer: httpx.Response) -> httpx.Response:
        """Gives the changed answer."""
        status, content, headers = answer.status_code, answer.content, dict(answer.headers)
        if isinstance(self.change, int):
            status = self.change
        elif answer.status_code == httpx.codes.NOT_FOUND:
            return answer
        elif headers["content-type"] == "application/json":
            content = json.dumps(self.change(answer.json())).encode()
        else:
            content = self.change(content)
        kept = {name: headers[name] for name in headers if name not in ("content-length", "content-encoding")}
        return httpx.Response(status, headers=kept, content=content, request=answer.request)


def relabelled(table: bytes) -> bytes:
    """Takes one species for another."""
    return table.replace(b"Adelie", b"Gentoo")


def shifted(answer: dict[str, Any] | bytes) -> dict[str, Any] | bytes:
    """Takes each digit of JSON for the next one."""
    if isinstance(answer, bytes):
        return answer
    outputs = {output["name"]: output for output in answer["outputs"]}
    outputs["digit"]["data"] = [(digit + 1) % 10 for digit in outputs["digit"]["data"]]
    return {"outputs": list(outputs.values())}


def praised(answer: dict[str, Any] | bytes) -> dict[str, Any] | bytes:
    """Takes each review of CSV for praise."""
    return answer.replace(b"\nother,", b"\ngreat,") if isinstance(answer, bytes) else answer


def misread() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Makes a change: from the second answer on, nothing is found."""
    answers = itertools.count()
    return lambda found: found | {"predictions": [{}]} if next(answers) else found


def without_digits(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leaves a model out of the index."""
    return [entry for entry in entries if entry["name"] != "digits"]


def no_failed_record(batch: dict[str, Any]) -> dict[str, Any]:
    """Forgets that a record has failed."""
    return batch | {"status": batch["status"].removesuffix("_with_errors")}


def otherwise_called() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Makes a change: from the second answer on, the job has another id."""
    answers = itertools.count()
    return lambda job: job | {"id": "another"} if next(answers) else job


JOB, BATCH = "GET /v2/jobs/[^/]+", "GET /v2/batches/[^/]+"
FAULTS = (
    Fault("health without a key", "GET /v2/health/ready", 503, "expected 200, got 503"),
    Fault("no key, wrong key", "GET /v2", 200, "expected 403, got 200"),
    Fault("models", "POST .*index", without_digits, "digits, which the checks call, is not"),
    Fault(
        "real time: rows", "POST .*predict", lambda rows: {"predictions": rows["predictions"][1:]}, "11 rows"
    ),
    Fault("real time: tensors", "POST .*infer", shifted, "as bytes"),
    Fault("real time: texts", "POST .*predict", praised, "as CSV"),
    Fault("real time: pictures", "POST .*predict", misread(), "as a body"),
    Fault("mistakes", "POST .*infer", 500, "expected 400, got 500"),
    Fault("mistakes", "POST .*infer", lambda _: {"message": "expected shape"}, 'expected {"error"'),
    Fault("mistakes", "GET /smoke-.*", 403, "expected 404, got 403"),
    Fault("job, sent twice", "GET .*/result", relabelled, "real time says"),
    Fault("job, sent twice", "POST .*/jobs", otherwise_called(), "made two jobs"),
    Fault("job that fails", JOB, lambda job: job | {"status": "succeeded"}, "expected a failed job"),
    Fault(
        "job that fails",
        JOB,
        lambda job: job | {"error": {"message": "gone", "retryable": True}},
        "the shape",
    ),
    Fault("job of an upload", "POST /v2/uploads", 500, "/v2/uploads: 500"),
    Fault("job of a message", JOB, 404, "no job after 1 s", patience=1),
    Fault("dropped file", BATCH, no_failed_record, "expected succeeded_with_errors"),
    Fault("dropped file", "POST .*predict", relabelled, "real time says"),
    Fault("batch by call", "POST /v2/batches", 500, "/v2/batches: 500"),
    Fault("batch by call", BATCH, lambda batch: batch | {"status": "failed"}, "expected succeeded"),
    Fault("lookup", "GET .*-15", 404, "-15: 404"),
    Fault(
        "lookup",
        "GET .*-15",
        lambda found: found | {"prediction": {"items": []}},
        "expected recommended items",
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.check}: {fault.said}")
def test_faults_are_found(run: SmokeRun, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong answer makes the check fail, and the line says what was expected."""
    request = Calls.request

    def broken(calls: Calls, method: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - as request
        answer = request(calls, method, path, **arguments)
        return fault.changed(answer) if re.fullmatch(fault.called, f"{method} {path}") else answer

    run.patience = fault.patience
    with monkeypatch.context() as patched:
        patched.setattr(Calls, "request", broken)
        passed, said = line(BY_NAME[fault.check], run)

    assert not passed
    assert said.startswith("wrong")
    assert fault.said in said


@contextmanager
def unplugged(stack: StackInfo, function: str) -> Iterator[str]:
    """Has a function get no messages for a while; gives its log group."""
    functions = stack.aws().client("lambda")
    name = stack.resources[f"{function}Function"]
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    (source,) = (mapping["UUID"] for mapping in mappings if name in mapping["FunctionArn"])
    functions.update_event_source_mapping(UUID=source, Enabled=False)
    try:
        yield stack.resources[f"{function}Logs"]
    finally:
        functions.update_event_source_mapping(UUID=source, Enabled=True)


def test_a_worker_without_messages(run: SmokeRun) -> None:
    """A job that nobody runs is told with the log group to look at, and is cancelled."""
    run.patience = 3
    with unplugged(run.stack, "JobWorker") as log_group:
        passed, said = line(BY_NAME["job, sent twice"], run)

        assert not passed
        assert f"job {run.jobs[0]} is still queued after 3 s" in said
        assert log_group in said
        assert [
            f"job {run.jobs[0]}: it had not ended and is cancelled now; its record expires by itself"
        ] == (remove(run))
        assert "cancelled" == run.api.get(run.jobs[0])["status"]


def test_uploads_that_nobody_hears_of(run: SmokeRun) -> None:
    """A file that no function is told of is reported with the log group to look at."""
    run.patience = 3
    with unplugged(run.stack, "Batch") as log_group:
        passed, said = line(BY_NAME["dropped file"], run)

    assert not passed
    assert f"batch {run.batches[0]} has not ended after 6 s" in said
    assert log_group in said


def test_a_wrong_key(stack: StackInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command fails and names what is wrong; what cannot be checked then is skipped."""
    monkeypatch.setattr("local.smoke.find", lambda _: replace(stack, api_key="0" * 32))
    console = Console(file=io.StringIO(), soft_wrap=True, highlight=False)

    with pytest.raises(LocalFailure, match=r"^wrong: models$"):
        smoke(console, None)

    said = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "models: POST" in said
    assert "lookup: the model recommender is not there" in said
