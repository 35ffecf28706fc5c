"""Batches through the real handlers' parts, against AWS in this process."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from backports import zstd
from triptych.aws.clients import AwsClients
from triptych.batches.batch import Batch, BatchSource
from triptych.batches.transitions import handed_over
from triptych.deployment import Deployment
from triptych.lifecycle.record import random_id
from triptych.rows.options import BatchOptions
from triptych.settings import BatchSettings, Settings, TelemetrySettings

from tests.integration.batch_world import TABLE, BatchWorld
from tests.integration.bucket_world import INPUTS, WORK, BucketWorld
from tests.support.realtime import Invocation

ROLE = "arn:aws:iam::123456789012:role/batches"
OUTPUTS, PREDICTIONS = "stack-batch-outputs", "stack-predictions"
MODELS = Path(__file__).parents[2] / "layers/models"
HEAD = b"island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"
ROWS = [b"Torgersen,39.1,18.7,181,%d,male,2007\n" % (3000 + number) for number in range(200)]
BAD = b"Dream,tall,18.7,181,3750,male,2007\n"


def state_machine(aws: AwsClients) -> str:
    """Makes a state machine that does nothing; gives its ARN."""
    definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    made = aws.stepfunctions.create_state_machine(
        name="batches", definition=orjson.dumps(definition).decode(), roleArn=ROLE
    )
    return made["stateMachineArn"]


class Stack:
    """The buckets, tables and functions of a stack.

    Args:
        directory: For local copies.
    """

    def __init__(self, directory: Path) -> None:
        self.buckets = BucketWorld(directory)
        self.records = BatchWorld()
        self.batches = self.records.batches
        self.aws = self.buckets.aws
        self.aws.s3.create_bucket(Bucket=OUTPUTS)
        self._predictions()
        topic = self.aws.sns.create_topic(Name="batches")["TopicArn"]
        settings = Settings(
            (str(MODELS),), 60, (), 1769, directory / "c", TelemetrySettings("b", "T", "INFO")
        )
        self.queue_url = self.aws.sqs.create_queue(QueueName="uploads")["QueueUrl"]
        self.machine = state_machine(self.aws)
        batches = BatchSettings(
            table=TABLE,
            predictions_table=PREDICTIONS,
            inputs_bucket=INPUTS,
            outputs_bucket=OUTPUTS,
            work_bucket=WORK,
            image_buckets=(),
            queue_url=self.queue_url,
            topic_arn=topic,
            state_machine_arn=self.machine,
            direct_bytes=2000,
            chunk_bytes=1000,
            max_attempts=5,
            worker_memory=1769,
            concurrency=50,
            retention=86_400,
            lookup_days=1,
            lookup_rate=4000,
            upload_concurrency=5,
            region="us-east-1",
        )
        self.api = Deployment(settings, batches=batches).batches()
        self.uploads = Deployment(settings, batches=batches).uploads()
        self.steps = Deployment(settings, batches=batches).steps()

    def drop(self, key: str, body: bytes, **metadata: str) -> dict[str, Any]:
        """Drops a file; gives the event that S3 makes of it."""
        put = self.aws.s3.put_object(Bucket=INPUTS, Key=key, Body=body, Metadata=metadata)
        stored = {"key": key, "eTag": put["ETag"].strip('"'), "versionId": put["VersionId"]}
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"object": stored}}
        return {"Records": [record]}

    def output(self, key: str) -> bytes:
        """Reads an object of the outputs."""
        return self.aws.s3.get_object(Bucket=OUTPUTS, Key=key)["Body"].read()

    def work(self, where: dict[str, Any]) -> list[dict[str, Any]]:
        """Reads a list of the plan."""
        body = self.aws.s3.get_object(Bucket=where["bucket"], Key=where["key"])["Body"].read()
        read: list[dict[str, Any]] = orjson.loads(body)
        return read

    def _predictions(self) -> None:
        self.aws.dynamodb.create_table(
            TableName=PREDICTIONS,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "made")],
            KeySchema=[
                {"AttributeName": "id", "KeyType": "HASH"},
                {"AttributeName": "made", "KeyType": "RANGE"},
            ],
        )


@pytest.fixture
def stack(aws: None, tmp_path: Path) -> Stack:  # noqa: ARG001 - AWS has to be there
    """Gives an empty stack."""
    return Stack(tmp_path)


def test_small_file(stack: Stack) -> None:
    """A bare event of S3 is answered when predictions, errors and manifest are there."""
    event = stack.drop("penguins/a.csv", HEAD + ROWS[0] + BAD + ROWS[1], outputs="species")
    assert {} == stack.uploads(event, Invocation())
    assert {} == stack.uploads(event, Invocation())
    assert b"species\nAdelie\nAdelie\n" == stack.output("penguins/a.csv.out")
    assert 2 == orjson.loads(stack.output("penguins/a.csv.errors.jsonl"))["record"]
    manifest = orjson.loads(stack.output("penguins/a.csv.manifest.json"))
    assert {"read": 3, "written": 2, "failed": 1} == manifest["records"]


def test_a_batch_by_call(stack: Stack) -> None:
    """A call starts the batch; a reminder waits in the queue in case that the function dies before."""
    event = {
        "resource": "/v2/batches",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json"},
        "body": '{"prefix": "penguins/"}',
    }
    answer = stack.api(event, Invocation())
    assert 202 == answer["statusCode"], answer
    batch = orjson.loads(answer["body"])["id"]
    (execution,) = stack.aws.stepfunctions.list_executions(stateMachineArn=stack.machine)["executions"]
    assert batch == execution["name"]
    waiting = stack.aws.sqs.get_queue_attributes(
        QueueUrl=stack.queue_url, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    assert {"ApproximateNumberOfMessagesDelayed": "1"} == waiting["Attributes"]


@pytest.mark.parametrize(
    ("key", "compress"), [("penguins/a.csv", bytes), ("penguins/a.csv.zst", zstd.compress)]
)
def test_steps_of_the_state_machine(stack: Stack, key: str, compress: Callable[[bytes], bytes]) -> None:
    """A plan, its chunks and joins make of a large file, plain or in frames, what one go makes of it."""
    frames = [b"".join(ROWS[at : at + 7]) for at in range(0, len(ROWS), 7)]
    body = b"".join(map(compress, [HEAD, *frames]))
    stack.drop(key, body, outputs="species", join="body_mass_g")
    source = BatchSource((key,))
    batch = handed_over(Batch(random_id(), None, None, source, BatchOptions(), 1), 2)
    assert stack.batches.add(batch)
    planned = stack.steps({"step": "plan", "batch": batch.id}, Invocation())
    chunks = stack.work(planned["chunks"])
    assert len(chunks) > 5
    for chunk in chunks:
        answer: dict[str, Any] = {"step": "chunk", "batch": batch.id, "chunk": chunk, "done": False}
        while not answer["done"]:
            answer = stack.steps(answer, Invocation())
    (join,) = stack.work(planned["joins"])
    assert {} == stack.steps({"step": "merge", "batch": batch.id, "join": join}, Invocation())
    assert {} == stack.steps({"step": "merge", "batch": batch.id, "finish": True}, Invocation())
    rows = stack.output(f"{key}.out").splitlines()
    assert list(range(3000, 3200)) == [int(row.split(b",")[0]) for row in rows[1:]]
    ended = stack.batches.get(batch.id)
    assert ended is not None
    assert ("succeeded", 200) == (ended.status, ended.counts.written)


def test_small_compressed_file(stack: Stack) -> None:
    """Members of gzip one behind the other are one file."""
    lines = [b'{"user_id": 1}\n{"user', b'_id": 2}\n{"user_id": 3}\n']
    event = stack.drop("recommender/users.jsonl.gz", b"".join(map(gzip.compress, lines)), join="all")
    assert {} == stack.uploads(event, Invocation())
    rows = map(orjson.loads, stack.output("recommender/users.jsonl.gz.out").splitlines())
    assert [1, 2, 3] == [row["user_id"] for row in rows]


def test_lookup(stack: Stack) -> None:
    """Films that were recommended in a batch are found by user."""
    event = stack.drop("recommender/users.csv", b"user_id\n1\n2\n", lookup="true")
    assert {} == stack.uploads(event, Invocation())
    items = stack.aws.dynamodb.scan(TableName=PREDICTIONS)["Items"]
    assert {"recommender#1", "recommender#2"} == {item["id"]["S"] for item in items}
