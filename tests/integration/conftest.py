"""A bucket that lives in this process, and a store over it."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from tests.integration.model_bucket import ModelBucket
from tests.integration.service import RecordedBucket, Service
from tests.unit.fakes.clock import Clock


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelBucket]:
    """An empty bucket."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield ModelBucket(boto3.client("s3"), tmp_path / "scratch")


@pytest.fixture
def service(bucket: ModelBucket, tmp_path: Path) -> Service:
    """A store over the bucket, nothing loaded yet."""
    return Service(tmp_path / "cache", Clock(), RecordedBucket(bucket.name))
