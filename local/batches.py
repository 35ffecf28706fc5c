"""A client of batches: files that are dropped, what is made of them, and how far that has come."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
from triptych.batches.batch import upload_id

from local.calls import LOOK, expect_success
from local.failure import LocalFailure
from local.jobs import Jobs
from local.stack import StackInfo

FINAL = frozenset({"succeeded", "succeeded_with_errors", "failed", "cancelled"})

type Batch = dict[str, Any]


class Batches:
    """Batches of one deployed stack.

    Args:
        stack: The stack.
        api: Calls its API.
    """

    def __init__(self, stack: StackInfo, api: Jobs) -> None:
        self._stack = stack
        self._api = api
        self._store = stack.aws().s3()

    def drop(self, key: str, body: bytes, /, **options: str) -> str:
        """Uploads a file to the input bucket.

        Args:
            key: Its key: `<model>/anything.csv`.
            body: Its content.
            **options: What is wanted of it, as user metadata.

        Returns:
            The id of the batch that is made of it.
        """
        bucket = self._stack.outputs["InputBucket"]
        put = self._store.put_object(Bucket=bucket, Key=key, Body=body, Metadata=options)
        return upload_id(bucket, key, put["VersionId"])

    def watched(self, batch_id: str, seconds: float = 120) -> Iterator[Batch]:
        """Polls a batch until it has ended, and yields each response.

        Args:
            batch_id: Its id.
            seconds: How long at most.

        Raises:
            LocalFailure: It did not end in time.
        """
        end = time.monotonic() + seconds
        while True:
            answer = self._api.request("GET", f"/v2/batches/{batch_id}")
            if answer.status_code != httpx.codes.NOT_FOUND:  # the upload may not have been told yet
                batch: Batch = expect_success(answer).json()
                yield batch
                if batch["status"] in FINAL:
                    return
            if time.monotonic() > end:
                raise LocalFailure(f"batch {batch_id} has not ended after {seconds:.0f} s: {answer.text}")
            time.sleep(LOOK)

    def ended(self, batch_id: str, seconds: float = 120) -> Batch:
        """Waits for the end of a batch.

        Args:
            batch_id: Its id.
            seconds: How long at most.

        Raises:
            LocalFailure: It did not end in time.
        """
        *_, batch = self.watched(batch_id, seconds)
        return batch

    def made(self, key: str) -> bytes:
        """Reads an object of the bucket of outputs.

        Args:
            key: Its key, such as `<input>.out`.

        Raises:
            LocalFailure: There is none.
        """
        body = self.made_if_any(key)
        if body is None:
            raise LocalFailure(f"the bucket of outputs has no {key}")
        return body

    def made_if_any(self, key: str) -> bytes | None:
        """Reads an object of the bucket of outputs; None where there is none.

        Args:
            key: Its key.
        """
        try:
            found = self._store.get_object(Bucket=self._stack.outputs["OutputBucket"], Key=key)
        except self._store.exceptions.NoSuchKey:
            return None
        return found["Body"].read()

    def manifest(self, key: str) -> dict[str, Any]:
        """Reads the manifest of an input."""
        manifest: dict[str, Any] = json.loads(self.made(f"{key}.manifest.json"))
        return manifest

    def looked_up(self, model: str, key: str) -> dict[str, Any]:
        """Looks up a prediction.

        Raises:
            LocalFailure: There is none.
        """
        answer = self._api.request("GET", f"/v2/models/{model}/predictions/{key}")
        found: dict[str, Any] = expect_success(answer).json()
        return found
