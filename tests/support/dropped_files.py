"""Files that are dropped into the bucket of inputs, and what is made of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Self

import httpx
from triptych.batches.batch import upload_id

from local.batches import FINAL, Batches
from local.jobs import Jobs
from local.stack import StackInfo

SECONDS = 120

type Json = dict[str, Any]


class DroppedFiles:
    """The buckets, functions and batches of a stack.

    Args:
        stack: The stack.
    """

    def __init__(self, stack: StackInfo) -> None:
        self.stack = stack
        self._store = stack.aws().s3()
        self._functions = self.client("lambda")
        self._api = Jobs(stack)
        self._batches = Batches(stack, self._api)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.__exit__()

    def drop(self, key: str, body: bytes, /, **options: str) -> Json:
        """Drops a file; options are those of its user metadata. Gives the event that S3 sends."""
        bucket = self.stack.outputs["InputBucket"]
        put = self._store.put_object(Bucket=bucket, Key=key, Body=body, Metadata=options)
        described = {"key": key, "versionId": put["VersionId"], "eTag": put["ETag"].strip('"')}
        stored = {"bucket": {"name": bucket}, "object": {**described, "size": len(body)}}
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": stored}
        return {"Records": [record]}

    def transformed(self, key: str, body: bytes, /, **options: str) -> Json:
        """Drops a file and waits for its manifest."""
        return self.manifest(self.drop(key, body, **options))

    def manifest(self, event: Json, seconds: float = SECONDS) -> Json:
        """Waits for the end of the batch that is made of an upload, and gives the manifest of the file."""
        self.ended(self.batch_of(event), seconds)
        found = self.made(f"{event['Records'][0]['s3']['object']['key']}.manifest.json")
        assert found is not None, f"{event} has no manifest"
        manifest: Json = json.loads(found)
        return manifest

    def made(self, key: str) -> bytes | None:
        """Gives an object of the bucket of outputs; None where there is none."""
        return self._batches.made_if_any(key)

    def output(self, key: str) -> bytes:
        """Gives the predictions of a file."""
        found = self.made(f"{key}.out")
        assert found is not None, f"{key} has no output"
        return found

    def forget(self, key: str) -> None:
        """Deletes the manifest of a file, which is new by that."""
        self._store.delete_object(Bucket=self.stack.outputs["OutputBucket"], Key=f"{key}.manifest.json")

    def errors(self, key: str) -> list[Json]:
        """Gives the failed records of a file."""
        return [json.loads(line) for line in (self.made(f"{key}.errors.jsonl") or b"").splitlines()]

    def client(self, service: str) -> Any:  # noqa: ANN401 - of any service
        """Gives a client of a service of the stack."""
        return self.stack.aws().client(service)

    def invoke(self, function: str, event: Json) -> Json:
        """Invokes a function of the stack, by its logical id; what it raises fails the test."""
        name = self.stack.resources[function]
        answer = self._functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        given: Json = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, given
        return given

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - of httpx
        """Sends a request to the API of the stack."""
        return self._api.request(method, path, **arguments)

    def predicted(self, model: str, body: bytes) -> bytes:
        """Has rows of CSV answered in real time."""
        types = {"content-type": "text/csv", "accept": "text/csv"}
        answer = self.request("POST", f"/v2/models/{model}/predict", content=body, headers=types)
        assert answer.is_success, answer.text
        return answer.content

    def batch_of(self, event: Json) -> str:
        """Gives the id of the batch that is made of an upload."""
        stored = event["Records"][0]["s3"]
        found = stored["object"]
        return upload_id(stored["bucket"]["name"], found["key"], found["versionId"])

    def batch(self, batch_id: str) -> Json:
        """Gives a batch as the API tells it."""
        answer = self.request("GET", f"/v2/batches/{batch_id}")
        assert answer.is_success, answer.text
        batch: Json = answer.json()
        return batch

    def found(self, batch_id: str, *states: str) -> Json | None:
        """Gives a batch that is there, in one of these states."""
        answer = self.request("GET", f"/v2/batches/{batch_id}")
        batch: Json = answer.json()
        return batch if batch.get("status") in states else None

    def ended(self, batch_id: str, seconds: float = SECONDS) -> Json:
        """Waits for the end of a batch."""
        return awaited(lambda: self.found(batch_id, *FINAL), seconds)


def awaited[T](look: Callable[[], T | None], seconds: float = SECONDS) -> T:
    """Looks again and again until there is something."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"nothing after {seconds} s"
        time.sleep(0.5)
    return found
