"""Shows which files and functions a request, a job and a chunk of a file pass: `make trace`.

The same rows go the three ways, through the handlers as Lambda imports them, over the sample models and AWS
in this process (moto). For each flow the files are printed in the order in which they are first entered, each
with its functions in that order. A "return" is a step back to a file that the flow had left. The last line
shows the files that call one another down to the model.

Each flow runs once before, so that models are open and clients exist; only `cold` does not.
`make trace FLOWS="cold upload"` shows other flows than the three.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import io
import json
import os
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from itertools import count, groupby
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import boto3
import triptych
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # SAM's has no types

from tests.support.realtime import Call, Invocation

ROOT = Path(__file__).parents[1]
PACKAGE = Path(triptych.__file__).parent
HANDLERS = ROOT / "functions"
SESSION = "models/session.py"
ROWS = (ROOT / "examples" / "penguins.csv").read_bytes()
REGION = "us-east-1"
ACCOUNT = "123456789012"
BUCKETS = ("job-inputs", "job-results", "batch-inputs", "batch-outputs", "batch-work")
TABLES = ("JobsTable", "BatchesTable", "PredictionsTable")

type Run = partial[dict[str, Any]]
"""A call of a handler."""


@dataclass(slots=True)
class Flow:
    """The functions that were entered, each once, in order.

    Attributes:
        steps: File and function; the file below the package, or below the root.
        way: Files that had called one another when the model ran, in its thread.
    """

    steps: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    way: list[str] = field(default_factory=list[str])

    @property
    def files(self) -> dict[str, list[str]]:
        """Functions by file, both in the order in which they were entered."""
        found: dict[str, list[str]] = {}
        for file, function in self.steps:
            found.setdefault(file, []).append(function)
        return found

    @property
    def returns(self) -> int:
        """Steps back to a file that the flow had left."""
        return sum(1 for _ in groupby(self.steps, key=lambda step: step[0])) - len(self.files)


def traced(run: Run) -> Flow:
    """Runs something, and returns the functions of the project that it entered, in all threads."""
    flow, tool = Flow(), sys.monitoring.PROFILER_ID

    def entered(code: CodeType, _: int) -> object:
        path = Path(code.co_filename)
        if (file := _below(path)) and not code.co_name.startswith("<"):
            flow.steps.append((file, code.co_qualname.replace(".<locals>", "")))
            if (file, code.co_name) == (SESSION, "run"):
                flow.way = _callers(inspect.currentframe())
        return sys.monitoring.DISABLE  # a function is noted once

    sys.monitoring.use_tool_id(tool, "trace")
    sys.monitoring.register_callback(tool, sys.monitoring.events.PY_START, entered)
    sys.monitoring.set_events(tool, sys.monitoring.events.PY_START)
    sys.monitoring.restart_events()
    try:
        run()
    finally:
        sys.monitoring.set_events(tool, sys.monitoring.events.NO_EVENTS)
        sys.monitoring.free_tool_id(tool)
    return flow


def _callers(frame: FrameType | None) -> list[str]:
    """Returns the files of the callers, the outermost first; each once."""
    files: list[str] = []
    while frame:
        files.append(_below(Path(frame.f_code.co_filename)))
        frame = frame.f_back
    return list(dict.fromkeys(file for file in reversed(files) if file))


def _below(path: Path) -> str:
    if path.is_relative_to(PACKAGE):
        return str(path.relative_to(PACKAGE))
    return str(path.relative_to(ROOT)) if path.is_relative_to(HANDLERS) else ""


class Stack:
    """The handlers over an account in this process, with what the template creates there.

    Each method prepares a flow, and returns the call that is traced.
    """

    def __init__(self) -> None:
        resources = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
        self._s3, self._sqs = boto3.client("s3"), boto3.client("sqs")
        self._numbers = count()
        for bucket in BUCKETS:
            self._s3.create_bucket(Bucket=bucket)
        self._s3.put_bucket_versioning(Bucket="batch-inputs", VersioningConfiguration={"Status": "Enabled"})
        for table in TABLES:
            _create_table(table, resources[table]["Properties"])
        self._queue = self._sqs.create_queue(QueueName="jobs")["QueueUrl"]
        self._sqs.create_queue(QueueName="uploads")
        for topic in ("jobs", "batches"):
            boto3.client("sns").create_topic(Name=topic)
        machine = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}  # steps are called from here
        boto3.client("stepfunctions").create_state_machine(
            name="batches", definition=json.dumps(machine), roleArn=f"arn:aws:iam::{ACCOUNT}:role/batches"
        )

    def predict(self) -> Run:
        """A request of rows."""
        return partial(_http, "realtime", "/v2/models/{model}/predict", ROWS, "text/csv")

    def first(self) -> Run:
        """The first request, which opens the model."""
        return self.predict()

    def infer(self) -> Run:
        """A request of tensors."""
        tensors = (ROOT / "examples" / "recommender.json").read_bytes()
        return partial(_http, "realtime", "/v2/models/{model}/infer", tensors, "application/json")

    def submit(self) -> Run:
        """The submission of a job."""
        return partial(_http, "jobs", "/v2/models/{model}/jobs", ROWS, "text/csv")

    def deliver(self) -> Run:
        """A job, delivered to the worker."""
        self.submit()()
        answer = self._sqs.receive_message(QueueUrl=self._queue, AttributeNames=["All"])
        (message,) = answer["Messages"]
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs",
            "awsRegion": REGION,
        }
        return partial(_call, "worker", {"Records": [record]})

    def drop(self) -> Run:
        """A small file, transformed as it is dropped."""
        key, put = self._put()
        stored = {"key": key, "eTag": put["ETag"].strip('"'), "versionId": put["VersionId"]}
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"object": stored}}
        return partial(_call, "upload", {"Records": [record]})

    def batch(self) -> Run:
        """The submission of a batch."""
        body = json.dumps({"keys": [self._put()[0]]}).encode()
        return partial(_http, "batches", "/v2/batches", body, "application/json")

    def plan(self) -> Run:
        """The plan of a batch of one file."""
        return partial(_step, "plan", batch=json.loads(self.batch()()["body"])["id"])

    def chunk(self) -> Run:
        """A chunk in the middle of a file."""
        plan = self.plan()()
        return partial(_step, "chunk", batch=plan["batch"], chunk=self._listed(plan["chunks"])[1])

    def merge(self) -> Run:
        """The join of the parts of a file."""
        plan = self.plan()()
        for chunk in self._listed(plan["chunks"]):
            _step("chunk", batch=plan["batch"], chunk=chunk)
        return partial(_step, "merge", batch=plan["batch"], join=self._listed(plan["joins"])[0])

    def _put(self) -> tuple[str, Mapping[str, Any]]:
        key = f"penguins/{next(self._numbers)}.csv"
        return key, self._s3.put_object(Bucket="batch-inputs", Key=key, Body=ROWS)

    def _listed(self, where: Mapping[str, str]) -> list[dict[str, Any]]:
        body = self._s3.get_object(Bucket=where["bucket"], Key=where["key"])["Body"].read()
        listed: list[dict[str, Any]] = json.loads(body)
        return listed


def environment() -> dict[str, str]:
    """Returns the variables that the template sets, for the account in this process."""
    sqs = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "MODEL_REPOSITORY": str(ROOT / "layers" / "models"),
        "JOBS_TABLE": "JobsTable",
        "JOBS_QUEUE_URL": f"{sqs}/jobs",
        "JOBS_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:jobs",
        "JOB_INPUTS_BUCKET": "job-inputs",
        "RESULTS_BUCKET": "job-results",
        "BATCHES_TABLE": "BatchesTable",
        "PREDICTIONS_TABLE": "PredictionsTable",
        "INPUT_BUCKET": "batch-inputs",
        "OUTPUT_BUCKET": "batch-outputs",
        "BATCH_WORK_BUCKET": "batch-work",
        "BATCH_QUEUE_URL": f"{sqs}/uploads",
        "BATCHES_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:batches",
        "BATCH_STATE_MACHINE_ARN": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:batches",
        "BATCH_CHUNK_BYTES": "200",
    }


FLOWS: Mapping[str, Callable[[Stack], Run]] = {
    "cold": Stack.first,
    "request": Stack.predict,
    "job": Stack.deliver,
    "chunk": Stack.chunk,
    "tensors": Stack.infer,
    "submit": Stack.submit,
    "upload": Stack.drop,
    "batch": Stack.batch,
    "plan": Stack.plan,
    "merge": Stack.merge,
}
MAIN = ("request", "job", "chunk")


def trace(names: Collection[str]) -> dict[str, Flow]:
    """Runs flows by name over one account, in the order of `FLOWS`; handlers log to nowhere."""
    os.environ |= environment()
    os.environ.pop("AWS_ENDPOINT_URL", None)
    sys.path[:0] = [str(path) for path in HANDLERS.iterdir() if path.is_dir()]
    with mock_aws(), redirect_stdout(io.StringIO()):
        stack = Stack()
        return {name: traced(_prepared(stack, name)) for name in FLOWS if name in names}


def main() -> None:
    """Traces the flows that are named, or one of each mode, and prints them."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.trace", description="Traces flows through the code"
    )
    parser.add_argument(
        "flows", nargs="*", metavar="flow", help=f"of {', '.join(FLOWS)}; else {', '.join(MAIN)}"
    )
    parser.add_argument("--json", action="store_true", help="print files and functions for programs")
    arguments = parser.parse_args()
    if unknown := set(arguments.flows) - FLOWS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(FLOWS)}")
    flows = trace(arguments.flows or MAIN)
    if arguments.json:
        sys.stdout.write(
            json.dumps(
                {name: {"files": flow.files, "way": flow.way} for name, flow in flows.items()}, indent=2
            )
            + "\n"
        )
        return
    for name, flow in flows.items():
        counts = f"{len(flow.files)} files, {len(flow.steps)} functions, {flow.returns} returns"
        title = str(FLOWS[name].__doc__).rstrip(".")
        sys.stdout.write(f"{name} ({title}): {counts}\n")
        for file, functions in flow.files.items():
            sys.stdout.write(f"  {file}: {', '.join(functions)}\n")
        if flow.way:
            sys.stdout.write(f"  to the model, {len(flow.way)} files: {' > '.join(flow.way)}\n")


def _prepared(stack: Stack, name: str) -> Run:
    """Runs a flow once, unless it is the cold one, and prepares another run."""
    prepare = FLOWS[name]
    if name != "cold":
        prepare(stack)()
    return prepare(stack)


def _call(function: str, event: Mapping[str, Any], milliseconds: int = 28_000) -> dict[str, Any]:
    """Calls a handler, which is imported as Lambda does; nothing may be left to try again."""
    answer: dict[str, Any]
    answer = importlib.import_module(f"{function}_handler").handler(event, Invocation(milliseconds))
    assert not answer.get("batchItemFailures"), answer
    return answer


def _http(function: str, resource: str, body: bytes, content_type: str) -> dict[str, Any]:
    model = "recommender" if "infer" in resource else "penguins"
    path = {"model": model} if "{model}" in resource else {}
    answer = _call(function, Call("POST", resource, path, {"Content-Type": content_type}, body=body).event())
    assert answer["statusCode"] < 300, answer
    return answer


def _step(step: str, **payload: object) -> dict[str, Any]:
    """Calls a step as the state machine does."""
    answer = _call("steps", {"step": step, **payload}, 900_000)
    assert answer.get("done", True), answer
    return answer


def _create_table(name: str, properties: Mapping[str, Any]) -> None:
    created_with = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    boto3.client("dynamodb").create_table(
        TableName=name, **{key: properties[key] for key in created_with if key in properties}
    )


if __name__ == "__main__":
    main()
