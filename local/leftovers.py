"""Removes what a run of the smoke test has made."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local.batches import FINAL as BATCH_ENDED
from local.calls import expect_success
from local.failure import LocalFailure
from local.jobs import FINAL as JOB_ENDED
from local.smoke_run import SmokeRun
from local.tour import MODELS


def remove(run: SmokeRun) -> list[str]:
    """Delete files, results, records and lookups of a run; cancel what has not ended.

    Args:
        run: The run.

    Returns:
        What could not be deleted, and why; empty when nothing is left.
    """
    left = []
    for what, delete in _Removal(run).steps():
        try:
            delete()
        except (BotoCoreError, ClientError, LocalFailure, httpx.HTTPError) as error:
            left.append(f"{what}: {error}")
    return left


class _Removal:
    def __init__(self, run: SmokeRun) -> None:
        self._run = run
        self._resources = run.stack.resources
        session, endpoint_url = run.stack.aws().session(), run.stack.endpoint_url or None
        self._store: Any = session.resource("s3", endpoint_url=endpoint_url)
        self._database: Any = session.resource("dynamodb", endpoint_url=endpoint_url)

    def steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        run = self._run
        for job in run.jobs:
            yield f"job {job}", partial(self._remove_job, job)
        for batch in run.batches:
            yield f"batch {batch}", partial(self._remove_batch, batch)
        for name in run.uploads:
            yield f"upload {name}", partial(self._empty, "JobInputsBucket", name)
        for model in MODELS:
            folder = f"{model}/{run.name}/"
            yield f"inputs {folder}", partial(self._empty, "InputBucket", folder)
            yield f"outputs {folder}", partial(self._empty, "OutputBucket", folder)
        for key in run.lookups:
            yield f"lookup {key}", partial(self._forget, "PredictionsTable", f"recommender#{key}")

    def _remove_job(self, job: str) -> None:
        answer = self._run.api.request("GET", f"/v2/jobs/{job}")
        if answer.status_code == httpx.codes.NOT_FOUND:  # no message has become this job
            return
        if expect_success(answer).json()["status"] not in JOB_ENDED:
            self._run.api.cancel(job)
            raise LocalFailure("it had not ended and is cancelled now; its record expires by itself")
        self._empty("ResultsBucket", f"results/{job}/")
        self._forget("JobsTable", job)

    def _remove_batch(self, batch: str) -> None:
        answer = self._run.api.request("GET", f"/v2/batches/{batch}")
        if answer.status_code == httpx.codes.NOT_FOUND:  # no upload has become this batch
            return
        if expect_success(answer).json()["status"] not in BATCH_ENDED:
            expect_success(self._run.api.request("DELETE", f"/v2/batches/{batch}"))
            raise LocalFailure("it had not ended and is cancelled now; its record expires by itself")
        self._empty("BatchWorkBucket", f"batches/{batch}/")
        self._forget("BatchesTable", batch)

    def _empty(self, bucket: str, prefix: str) -> None:
        objects = self._store.Bucket(self._resources[bucket]).object_versions.filter(Prefix=prefix)
        failed = [error for page in objects.delete() for error in page.get("Errors", [])]
        if failed:
            raise LocalFailure(f"{len(failed)} objects are left: {failed[0]['Message']}")

    def _forget(self, table: str, identity: str) -> None:
        records = self._database.Table(self._resources[table])
        names = [key["AttributeName"] for key in records.key_schema]
        known = {":id": identity}
        found = records.query(
            KeyConditionExpression="id = :id", ExpressionAttributeValues=known, ConsistentRead=True
        )
        for item in found["Items"]:  # a run has far less than a page of them
            records.delete_item(Key={name: item[name] for name in names})
