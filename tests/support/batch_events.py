"""What the functions of batches make of the events in `events/`, wherever they run."""

from __future__ import annotations

import json
import time
from typing import Any

from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.store import batch_item
from triptych.rows.options import BatchOptions

from local.stack import StackInfo
from tests.support.dropped_files import DroppedFiles
from tests.support.job_events import EVENTS, Invoke, load

KEY = "penguins/penguins.csv"
ID = "3e1f5a52-8c0d-4b7a-9d35-6f1c2b7e9a10"  # the batch that the events ask for
EXAMPLE = EVENTS.parent / "examples" / "penguins.csv"


def check_upload(invoke: Invoke, files: DroppedFiles) -> None:
    """The event of an upload has its file transformed: it names no version, so it is a batch of its own."""
    uploaded = files.transformed(KEY, EXAMPLE.read_bytes())
    assert {} == invoke("BatchFunction", load("batch-s3-put"))
    manifest = json.loads(files.made(f"{KEY}.manifest.json") or b"{}")
    assert manifest["batch"] != uploaded["batch"]
    assert ("succeeded", 11) == (manifest["status"], manifest["records"]["written"])


def check_steps(invoke: Invoke, files: DroppedFiles) -> None:
    """What the state machine asks for, step by step, makes the output of a batch, and ends it."""
    files.transformed(KEY, EXAMPLE.read_bytes())
    _begin(files.stack)
    planned = invoke("BatchStepsFunction", load("batch-plan"))
    assert 1 == planned["chunks"]["count"]
    (chunk,) = json.loads(_planned(files.stack, planned["chunks"]["key"]))
    assert invoke("BatchStepsFunction", {"step": "chunk", "batch": ID, "chunk": chunk})["done"]
    assert {} == invoke("BatchStepsFunction", load("batch-finish"))
    manifest = json.loads(files.made(f"{KEY}.manifest.json") or b"{}")
    assert (ID, "succeeded") == (manifest["batch"], manifest["status"])
    answer = invoke("BatchesFunction", load("batch-status"))
    assert (200, "succeeded") == (answer["statusCode"], json.loads(answer["body"])["status"])


def check_requests(invoke: Invoke) -> None:
    """A submission that is tried out tells what it would do."""
    answer = invoke("BatchesFunction", load("batch-dry-run"))
    assert 200 == answer["statusCode"], answer
    assert json.loads(answer["body"])["dry_run"]


def _begin(stack: StackInfo) -> None:
    """Keeps the record of the batch, as the function of HTTP does before it starts the state machine."""
    batch = Batch(
        id=ID,
        model=None,
        version=None,
        source=BatchSource(keys=(KEY,)),
        options=BatchOptions(),
        created=round(time.time() * 1000),
        status=Status.PLANNING,
    )
    item: dict[str, Any] = dict(batch_item(batch, retention=86_400))
    stack.aws().client("dynamodb").put_item(TableName=stack.resources["BatchesTable"], Item=item)


def _planned(stack: StackInfo, key: str) -> bytes:
    bucket = stack.resources["BatchWorkBucket"]
    content: bytes = stack.aws().s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    return content
