"""What S3 refuses, and what does not answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from triptych.aws.bucket import Bucket
from triptych.aws.clients import AwsClients
from triptych.errors import RepositoryUnavailable
from triptych.models.bucket import MODELS, BucketStorage
from triptych.models.disk_cache import ModelCache

from tests.integration.model_bucket import ModelBucket


def models_of(name: str, client: Any = None) -> Bucket:  # noqa: ANN401 - of S3
    """A bucket of models, whose client may be the test's."""
    clients = AwsClients()
    if client is not None:
        clients.s3 = client
    return Bucket(clients, name, MODELS)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDenied", 403, "access to it is denied"),
        ("ExpiredToken", 400, "access to it is denied"),
        ("NoSuchBucket", 404, "it does not exist"),
        ("SlowDown", 503, "it asks for fewer requests"),
        ("InternalError", 500, "it answers InternalError"),
    ],
)
def test_refusals(bucket: ModelBucket, code: str, status: int, kind: str) -> None:
    """What S3 refuses is told by its kind; the message names neither bucket nor key."""
    client = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
    message = "secret-key of secret-bucket"
    models = models_of(bucket.name, client)
    asks: dict[str, Callable[[], object]] = {
        "folders": lambda: list(models.folders("models/secret-key")),
        "list": lambda: list(models.list("models/secret-key")),
        "get": lambda: models.get("models/secret-key"),
    }
    for name, ask in asks.items():
        with Stubber(client) as stub:
            stub.add_client_error("get_object" if name == "get" else "list_objects_v2", code, message, status)
            with pytest.raises(RepositoryUnavailable) as caught:
                ask()
        assert str(caught.value) == f"a bucket of models cannot be read: {kind}"


def test_bucket_that_does_not_exist(bucket: ModelBucket, tmp_path: Path) -> None:
    """A wrong bucket name is an error of the repository."""
    storage = BucketStorage(models_of(f"not-{bucket.name}"), "models", ModelCache(tmp_path / "cache"))
    with pytest.raises(RepositoryUnavailable, match="it does not exist"):
        storage.models()


def test_download_that_is_refused(tmp_path: Path, bucket: ModelBucket) -> None:
    """A download that is refused leaves nothing on the disk and is an error of the repository."""
    client = boto3.client("s3")
    storage = BucketStorage(models_of(bucket.name, client), "", ModelCache(tmp_path / "cache"))
    listed = {
        "Contents": [{"Key": "m/1/model.onnx", "ETag": '"1"', "Size": 5, "LastModified": datetime.now(UTC)}]
    }
    with Stubber(client) as stub:
        stub.add_response("list_objects_v2", listed)
        version = storage.stored("m").versions[1]
        stub.add_response("list_objects_v2", listed)
        stub.add_client_error("get_object", "AccessDenied", http_status_code=403)
        with pytest.raises(RepositoryUnavailable, match="access to it is denied"):
            storage.fetch(version)
    assert [] == [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that does not answer is an error of the repository."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:9", config=config)
    storage = BucketStorage(models_of("models", client), "", ModelCache(tmp_path))
    with pytest.raises(RepositoryUnavailable, match="it does not answer in time"):
        storage.stored("m")


def test_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function without credentials says so."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    storage = BucketStorage(models_of("models"), "", ModelCache(tmp_path))
    with pytest.raises(RepositoryUnavailable, match="there are no credentials for it"):
        storage.models()
