"""The bucket of a stack: what is added is served without a deployment."""

from __future__ import annotations

from collections.abc import Collection
from typing import override

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from triptych.models.storage import CODE_FILE, CONFIG_FILE
from triptych.protocol.names import is_version

from adding.destination import Destination
from adding.inspection import Inspection
from adding.source import Source
from adding.verdict import NotServed
from local.calls import Calls
from local.failure import LocalFailure
from local.stack import StackInfo


class ModelBucket(Destination):
    """The bucket of a stack; a version in it is served without a deployment.

    Args:
        stack: The stack.

    Raises:
        LocalFailure: The stack reads no bucket.
    """

    def __init__(self, stack: StackInfo) -> None:
        self._stack = stack
        self._bucket = stack.outputs.get("ModelBucket", "")
        self._prefix = _prefix(stack, f"s3://{self._bucket}/")
        self._s3 = stack.aws().s3()
        self.name = f"s3://{self._bucket}/{self._prefix}"

    @override
    def check(self, seen: Inspection) -> None:
        if CODE_FILE in seen.source.files:
            raise NotServed(
                "model.py runs only where it was deployed, and never from a bucket",
                "add the model to the layer (without STACK), and deploy",
            )
        split = self._stack.parameters.get("Serving") == "Microservices"
        kinds = ("Inference",) if split else ("", "Job", "Batch")
        for needed, parameter in ((seen.memory_size, "MemorySize"), (seen.disk, "EphemeralStorage")):
            names = [f"{kind}{parameter}" for kind in kinds]
            given = {name: int(self._stack.parameters.get(name) or needed) for name in names}
            if short := [name for name in names if given[name] < needed]:
                changes = " ".join(f"{name}={needed}" for name in short)
                raise NotServed(
                    f"the stack has {short[0]}={given[short[0]]}, and the model needs {needed}",
                    f'make deploy STACK={self._stack.stack_name} PARAMETERS="{changes}"',
                )

    @override
    def versions(self, model: str) -> Collection[int]:
        prefix = f"{self._prefix}{model}/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        names = {
            found["Key"].removeprefix(prefix).split("/")[0]
            for page in pages
            for found in page.get("Contents", [])
        }
        return {int(name) for name in names if is_version(name)} | self._served(model)

    @override
    def config(self, model: str) -> bytes | None:
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=f"{self._prefix}{model}/{CONFIG_FILE}")
        except self._s3.exceptions.NoSuchKey:
            return None
        return found["Body"].read()

    @override
    def put(self, model: str, version: int, source: Source) -> None:
        folder = f"{self._prefix}{model}"
        try:
            if source.config:
                self._s3.upload_file(str(source.config), self._bucket, f"{folder}/{CONFIG_FILE}")
            for name, path in source.files.items():
                self._s3.upload_file(str(path), self._bucket, f"{folder}/{version}/{name}")
        except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
            raise LocalFailure(
                f"the upload to {self.name} broke off, and version {version} is not served: {error}\n"
                "add it again: it gets the next number"
            ) from error

    def _served(self, model: str) -> set[int]:
        """Returns the versions in all repositories of the stack: one in its layer hides one in the bucket."""
        with Calls(self._stack) as api:
            index = api.json("POST", "/v2/repository/index", json={})
        return {int(entry["version"]) for entry in index if entry["name"] == model and entry.get("version")}


def _prefix(stack: StackInfo, bucket: str) -> str:
    """Returns the prefix of the models, which ends with a slash where there is one.

    Raises:
        LocalFailure: The stack reads no models from its bucket.
    """
    repositories = stack.parameters.get("ModelRepository") or f"{bucket}models"
    for repository in repositories.split(","):
        address = f"{repository.strip().rstrip('/')}/"
        if address.startswith(bucket):
            return address.removeprefix(bucket)
    raise LocalFailure(
        f"stack {stack.stack_name} reads models from {repositories}, none from its bucket: leave STACK out "
        "to add the model to the layer, and deploy"
    )
