"""What the page on operations tells people to type: queries that find what they are for, keys that work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import batched
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from local.jobs import Jobs
from local.stack import StackInfo
from tests.support.dropped_files import DroppedFiles, awaited
from tests.support.insights import Line, matching, names, value

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(
    r"^```bash\n(.*?)^```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL | re.MULTILINE
)
RECORD = """ask() { printf '%s\\0%s\\0' "$1" "$2"; }\n"""
CSV = {"content-type": "text/csv"}
WRONG = b"a\n1\n"
# Lines of API Gateway, Step Functions and Lambda itself: the emulator writes none.
FOREIGN = {"ApiLogs", "BatchStateMachineLogs"}
PLATFORM = {
    "type",
    *("record.requestId", "record.status", "record.errorType"),
    *(f"record.metrics.{name}" for name in ("durationMs", "maxMemoryUsedMB", "initDurationMs")),
}


class Query(NamedTuple):
    """A query of the page.

    Attributes:
        groups: Logical ids of log groups.
        text: What is asked.
    """

    groups: tuple[str, ...]
    text: str

    @property
    def ours(self) -> bool:
        """Whether it asks for lines that functions write."""
        return not FOREIGN & set(self.groups) and "platform." not in self.text


class Troubles(NamedTuple):
    """What went wrong in the stack, for queries to find.

    Attributes:
        job: Id of a job that failed.
        batch: Id of a batch that failed.
    """

    job: str
    batch: str


def _queries() -> Iterator[Query]:
    """Has the shell read the page, with a function in the place of the one that asks."""
    asking = "".join(block for block in BLOCKS if block.startswith("ask "))
    told = _shell(RECORD + asking, JOB="the-job", BATCH="the-batch").split("\0")
    for groups, text in batched(told[:-1], 2, strict=True):
        yield Query(tuple(groups.split()), text)


def _shell(commands: str, **variables: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - the page's own commands
        ["bash", "-euc", commands],  # noqa: S607 - the user's shell
        env={"PATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


QUERIES = list(_queries())


@pytest.fixture(scope="module")
def troubles(stack: StackInfo) -> Troubles:
    """Has requests, jobs and files fail, each in a way that some query asks about."""
    aws, resources = stack.aws(), stack.resources
    aws.s3().put_object(Bucket=resources["ModelBucket"], Key="models/broken/1/model.onnx", Body=b"no model")
    event = json.dumps({"httpMethod": "GET", "resource": "/v2", "body": 1})  # no body of API Gateway's
    aws.client("lambda").invoke(FunctionName=resources["RealtimeFunction"], Payload=event.encode())
    given_up = json.dumps({"model": "penguins", "request": {"inputs": []}})
    aws.client("sqs").send_message(QueueUrl=resources["JobsDeadLetterQueue"], MessageBody=given_up)
    rows = (ROOT / "examples" / "penguins.csv").read_bytes()
    with Jobs(stack) as jobs, DroppedFiles(stack) as files:
        awaited(lambda: files.request("GET", "/v2/models/broken").status_code == 503 or None)
        wrong = files.request("POST", "/v2/models/penguins/predict", content=WRONG, headers=CSV)
        assert 400 == wrong.status_code
        files.predicted("penguins", rows)
        job = jobs.ended(jobs.submit("penguins", WRONG, "text/csv")["id"])
        assert "failed" == job["status"]
        files.transformed("penguins/operations.csv", rows)
        batch = files.batch_of(files.drop("nothing/operations.csv", WRONG))
        assert "failed" == files.ended(batch)["status"]
    return Troubles(job["id"], batch)


def test_the_queries_are_found() -> None:
    """The page's blocks are read; a changed fence would otherwise pass unseen."""
    assert len([query for query in QUERIES if query.ours]) >= 10


@pytest.mark.parametrize(
    "query", [query for query in QUERIES if query.ours], ids=lambda query: query.text[:60]
)
def test_a_query_finds_what_it_is_for(stack: StackInfo, troubles: Troubles, query: Query) -> None:
    """Its filters let lines of the handlers pass, and each of its fields is in some of them."""
    text = query.text.replace("the-job", troubles.job).replace("the-batch", troubles.batch)
    found = awaited(lambda: matching(text, _lines(stack, query.groups)) or None)
    assert names(text)
    assert set() == {name for name in names(text) if all(value(line, name) is None for line in found)}


@pytest.mark.parametrize("query", [query for query in QUERIES if "platform." in query.text])
def test_lambdas_own_lines_are_asked_for_by_their_fields(query: Query) -> None:
    """The emulator does not write these; their fields are those of AWS's documentation."""
    assert names(query.text) <= PLATFORM


def test_logs_can_be_asked(stack: StackInfo, troubles: Troubles) -> None:
    """The functions of the page, as they stand, find the log group and give what is in it."""
    assert troubles
    (first, *_) = (query for query in QUERIES if query.ours)
    asked = BLOCKS[0] + f"HOURS=1 ask '{first.groups[0]}' '{first.text}'"
    assert _shell(asked, **_account(stack)).splitlines()


def test_a_second_key_works_and_is_disabled(stack: StackInfo) -> None:
    """The commands make a key that the API takes, and disable it."""
    make, disable = (block for block in BLOCKS if "apigateway" in block)
    *_, key = _shell(BLOCKS[0] + make + 'echo "$NEW"', **_account(stack)).splitlines()[-2:]
    secret = _shell(
        f'aws apigateway get-api-key --api-key "{key}" --include-value --query value --output text',
        **_account(stack),
    ).strip()
    answer = httpx.get(f"{stack.api_url}/v2", headers={"x-api-key": secret}, trust_env=False, timeout=60)
    assert answer.is_success
    # The emulator says so, but takes the key all the same.
    assert "false" == _shell(disable, OLD=key, **_account(stack)).strip().lower()


def _account(stack: StackInfo) -> dict[str, str]:
    return {
        "STACK": stack.stack_name,
        "AWS_ENDPOINT_URL": stack.endpoint_url or "",
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def _lines(stack: StackInfo, groups: tuple[str, ...]) -> list[Line]:
    logs = stack.aws().client("logs")
    pages = logs.get_paginator("filter_log_events")
    messages = [
        event["message"]
        for group in groups
        for page in pages.paginate(logGroupName=stack.resources[group])
        for event in page["events"]
    ]
    return [json.loads(message) for message in messages if message.startswith("{")]
