"""AWS in this process: a bucket of models and a store over it, and what jobs stand on."""

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from tests.integration.job_world import JobWorld
from tests.integration.model_bucket import ModelBucket
from tests.integration.s3_server import S3Server
from tests.integration.service import RecordedBucket, Service
from tests.unit.fakes.clock import Clock


@pytest.fixture(autouse=True)
def same_log() -> Iterator[None]:
    """Functions set the level of the log, which is one for the whole process."""
    logger = logging.getLogger("triptych")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account of AWS in this process, with nothing in it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    _answer_one_by_one(monkeypatch)
    with mock_aws():
        yield


def _answer_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes each request atomic, as a conditional write is in AWS; moto looks first and writes later."""
    lock, process = Lock(), BotocoreStubber.process_request

    def locked(stubber: BotocoreStubber, request: Any) -> Any:  # noqa: ANN401 - moto's
        with lock:
            return process(stubber, request)

    monkeypatch.setattr(BotocoreStubber, "process_request", locked)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """S3 over HTTP."""
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def bucket(
    tmp_path: Path,
    aws: None,  # noqa: ARG001 - it is created there
    s3_server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> ModelBucket:
    """An empty bucket; clients that are made later call it over HTTP."""
    s3_server.reset()
    bucket = ModelBucket(boto3.client("s3"), tmp_path / "scratch", s3_server)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.url)
    return bucket


@pytest.fixture
def world(aws: None) -> JobWorld:  # noqa: ARG001 - it is created there
    """What jobs stand on, empty."""
    return JobWorld()


@pytest.fixture
def service(bucket: ModelBucket, tmp_path: Path) -> Service:
    """A store over the bucket, nothing loaded yet."""
    return Service(tmp_path / "cache", Clock(), RecordedBucket(bucket))
