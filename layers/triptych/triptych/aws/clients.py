"""Clients of AWS, each made when it is first needed.

They are botocore's, as those of boto3 are. boto3 itself, with its resources and transfers, would take a tenth
of a function's start, and nothing here uses it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.session import Session

from triptych.aws.errors import aws_errors
from triptych.aws.failures import FILES, Failures

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

type Service = Literal["dynamodb", "events", "s3", "sns", "sqs", "stepfunctions"]

CLIENT = Config(
    connect_timeout=2,  # seconds; services in the same region answer in milliseconds
    read_timeout=5,  # seconds between bytes
    retries={"mode": "standard", "total_max_attempts": 3},  # about 16 s in all: inside the 28 s of a request
    max_pool_connections=32,  # a worker's threads, some of them with eight ranges of a download each
)
_S3 = CLIENT.merge(Config(signature_version="s3v4"))
_PRESIGNER = _S3.merge(Config(s3={"addressing_style": "virtual"}))
_BULK = _S3.merge(
    Config(
        read_timeout=60,  # seconds between bytes: nobody waits, and S3 may take long to copy large parts
        retries={"mode": "standard", "total_max_attempts": 6},
    )
)
_LOCK = RLock()  # a session makes one client at a time


class AwsClients:
    """Clients of AWS, with a patience that suits a request that people wait for.

    Threads may share them; two that are first at once may make one each. Each property raises
    `BotoCoreError` when the environment's settings for AWS are not usable.
    """

    def __init__(self) -> None:
        self._session = Session()

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """Calls DynamoDB."""
        made: DynamoDBClient = self._client("dynamodb")
        return made

    @cached_property
    def events(self) -> EventBridgeClient:
        """Calls EventBridge."""
        made: EventBridgeClient = self._client("events")
        return made

    @cached_property
    def s3(self) -> S3Client:
        """Calls S3."""
        made: S3Client = self._client("s3", _S3)
        return made

    @cached_property
    def bulk_s3(self) -> S3Client:
        """Calls S3 where nobody waits, with the patience for calls of minutes."""
        made: S3Client = self._client("s3", _BULK)
        return made

    @cached_property
    def presigner(self) -> S3Client:
        """Signs what others send to S3.

        In every other way boto3 signs for S3's global host, which redirects what it gets for a new bucket of
        another region: neither a form nor a signature outlives that. An endpoint of one's own, such as an
        emulator's, need not answer under the names of buckets.
        """
        if not (urlsplit(self.s3.meta.endpoint_url).hostname or "").startswith("s3."):
            return self.s3
        made: S3Client = self._client("s3", _PRESIGNER)
        return made

    @cached_property
    def sns(self) -> SNSClient:
        """Calls SNS."""
        made: SNSClient = self._client("sns")
        return made

    @cached_property
    def sqs(self) -> SQSClient:
        """Calls SQS."""
        made: SQSClient = self._client("sqs")
        return made

    @cached_property
    def stepfunctions(self) -> SFNClient:
        """Calls Step Functions."""
        made: SFNClient = self._client("stepfunctions")
        return made

    def _client(self, service: Service, config: Config = CLIENT) -> Any:  # noqa: ANN401 - callers name its type
        with _LOCK:
            return self._session.create_client(service, config=config)


class BucketClient:
    """Which bucket is called, by which client, and which errors its failures are.

    Args:
        scratch: Directory of local copies.
        bulk: Whether nobody waits: calls may take minutes.
    """

    def __init__(
        self,
        clients: AwsClients,
        name: str,
        failures: Failures = FILES,
        *,
        scratch: Path | None = None,
        bulk: bool = False,
    ) -> None:
        self._clients = clients
        self.name = name
        self._failures = failures
        self.scratch = scratch or Path(gettempdir())
        self._bulk = bulk

    @property
    def client(self) -> S3Client:
        """The client of S3 that reads and writes it."""
        with self.errors():
            return self._clients.bulk_s3 if self._bulk else self._clients.s3

    def errors(self) -> AbstractContextManager[None]:
        """Raises the errors that stand for failures of S3."""
        return aws_errors(self._failures)
