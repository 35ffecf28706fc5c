"""Files that are dropped into the bucket of the application, whose roles are held to what they may do."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from local.stack import StackInfo

ROOT = Path(__file__).parents[2]
PENGUINS = (ROOT / "examples" / "penguins.csv").read_bytes()
SECONDS = 90


def test_predictions_of_a_file_are_those_of_requests(guarded_stack: StackInfo) -> None:
    """A dropped file has the predictions that a request with its rows has."""
    manifest = _transformed(guarded_stack, "penguins/same.csv", PENGUINS)
    asked = httpx.post(
        f"{guarded_stack.api_url}/v2/models/penguins/predict",
        content=PENGUINS,
        headers={"x-api-key": guarded_stack.api_key, "content-type": "text/csv", "accept": "text/csv"},
        timeout=30,
        trust_env=False,
    )
    assert ("succeeded", 11) == (manifest["state"], manifest["records"]["written"])
    assert asked.content == _output(guarded_stack, "penguins/same.csv.out")


def test_a_bad_record_is_set_apart(guarded_stack: StackInfo) -> None:
    """A row that cannot be read is told with its number, and costs the others nothing."""
    manifest = _transformed(guarded_stack, "penguins/bad.csv", PENGUINS + b"x,y\n")
    assert ("succeeded_with_errors", {"read": 12, "written": 11, "failed": 1}) == (
        manifest["state"],
        manifest["records"],
    )
    (line,) = _output(guarded_stack, "penguins/bad.csv.errors.jsonl").splitlines()
    failed = json.loads(line)
    assert (12, "x,y") == (failed["record"], failed["input"])


def test_a_file_for_no_model_fails_with_a_reason(guarded_stack: StackInfo) -> None:
    """A file that nobody can transform ends as failed, and its manifest says why."""
    manifest = _transformed(guarded_stack, "unheard-of/rows.csv", PENGUINS)
    assert "failed" == manifest["state"]
    assert "unheard-of" in json.dumps(manifest["error"])


def _transformed(stack: StackInfo, key: str, body: bytes) -> dict[str, Any]:
    """Drops a file and waits for its manifest."""
    store = stack.aws().s3()
    store.put_object(Bucket=stack.outputs["InputBucket"], Key=key, Body=body)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            found = store.get_object(Bucket=stack.outputs["OutputBucket"], Key=f"{key}.manifest.json")
        except store.exceptions.NoSuchKey:
            time.sleep(0.5)
        else:
            manifest: dict[str, Any] = json.loads(found["Body"].read())
            return manifest
    raise AssertionError(f"{key} has no manifest after {SECONDS} s")


def _output(stack: StackInfo, key: str) -> bytes:
    return stack.aws().s3().get_object(Bucket=stack.outputs["OutputBucket"], Key=key)["Body"].read()
