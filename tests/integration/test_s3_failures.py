"""A bucket of models that refuses, does not answer, or that obstore cannot read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from triptych.aws.bucket import Bucket
from triptych.aws.bucket_reader import BucketReader
from triptych.aws.clients import AwsClients
from triptych.errors import RepositoryUnavailable
from triptych.models.bucket import MODELS, BucketStorage
from triptych.models.disk_cache import ModelCache

from tests.integration.model_bucket import ModelBucket
from tests.integration.s3_server import Request
from tests.integration.service import RecordedBucket, Service


def reader_of(name: str) -> BucketReader:
    """Reads a bucket of models, by boto3 where obstore cannot."""
    return BucketReader(name, MODELS, lambda: Bucket(AwsClients(), name, MODELS))


@pytest.mark.parametrize("ask", ["folders", "list", "get"])
@pytest.mark.parametrize(
    ("code", "status", "kind", "tries"),
    [
        ("AccessDenied", 403, "access to it is denied", 1),
        ("ExpiredToken", 400, "access to it is denied", 1),
        ("NoSuchBucket", 404, "it does not exist", 1),
        ("SlowDown", 503, "it asks for fewer requests", 3),
        ("InternalError", 500, "it answers InternalError", 3),
    ],
)
def test_refusals(bucket: ModelBucket, code: str, status: int, kind: str, tries: int, ask: str) -> None:  # noqa: PLR0913, PLR0917
    """What S3 refuses is told by its kind; the message names neither bucket nor key."""
    models = RecordedBucket(bucket)
    bucket.server.refusal = (status, code)
    asks: dict[str, Callable[[str], object]] = {
        "folders": models.folders,
        "list": models.list,
        "get": models.get,
    }
    with pytest.raises(RepositoryUnavailable) as caught:
        asks[ask]("models/secret-key")
    assert str(caught.value) == f"a bucket of models cannot be read: {kind}"
    assert tries == len(models.requests)


def test_bucket_that_does_not_exist(bucket: ModelBucket, tmp_path: Path) -> None:
    """A wrong bucket name is an error of the repository."""
    storage = BucketStorage(reader_of(f"not-{bucket.name}"), "models", ModelCache(tmp_path / "cache"))
    with pytest.raises(RepositoryUnavailable, match="it does not exist"):
        storage.models()
    with pytest.raises(RepositoryUnavailable, match="it does not exist"):
        storage.config("m")


def test_download_that_is_refused(bucket: ModelBucket, service: Service) -> None:
    """A download that is refused leaves nothing on the disk and is an error of the repository."""
    bucket.put("models/m/1/model.onnx", b"graph")

    def deny(request: Request) -> None:
        if request.operation == "GetObject":
            bucket.server.refusal = (403, "AccessDenied")

    bucket.server.before = deny
    version = service.storage.stored("m").versions[1]
    with pytest.raises(RepositoryUnavailable, match="access to it is denied"):
        service.storage.fetch(version)
    assert [] == service.copies


def test_nobody_answers(bucket: ModelBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that does not answer is an error of the repository."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    storage = BucketStorage(reader_of(bucket.name), "", ModelCache(tmp_path))
    with pytest.raises(RepositoryUnavailable, match="it does not answer in time"):
        storage.stored("m")


def test_no_credentials(bucket: ModelBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function without credentials says so."""
    without_keys(monkeypatch, tmp_path / "none")
    storage = BucketStorage(reader_of(bucket.name), "", ModelCache(tmp_path))
    with pytest.raises(RepositoryUnavailable, match="there are no credentials for it"):
        storage.models()


def test_profile(bucket: ModelBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment has no keys, they are found as boto3 finds them: on one's own machine, say."""
    bucket.put("models/m/1/model.onnx", b"graph")
    profile = tmp_path / "credentials"
    profile.write_text("[default]\naws_access_key_id = mine\naws_secret_access_key = secret\n")
    without_keys(monkeypatch, profile)
    assert ["m"] == BucketStorage(reader_of(bucket.name), "models", ModelCache(tmp_path)).models()


def without_keys(monkeypatch: pytest.MonkeyPatch, profile: Path) -> None:
    """Takes the credentials out of the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profile))


@pytest.mark.parametrize("refusal", [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")])
def test_bucket_of_another_region(
    bucket: ModelBucket, service: Service, caplog: pytest.LogCaptureFixture, refusal: tuple[int, str]
) -> None:
    """boto3 finds the region of a bucket, and reads it from then on."""
    bucket.put_adder("adder/1", 1.5)
    bucket.server.refusal = refusal

    def answer_boto3(_: Request) -> None:
        if len(service.reader.requests) > 1:
            bucket.server.refusal = None

    bucket.server.before = answer_boto3
    assert (1, 1.5) == service.add("adder")
    assert 1 == caplog.text.count("is read by boto3")


def test_an_answer_that_breaks_off(bucket: ModelBucket, service: Service) -> None:
    """A range that ends early is asked for again."""
    bucket.put("models/m/1/model.onnx", b"graph")
    version = service.storage.stored("m").versions[1]
    bucket.server.cut_short = 2
    assert b"graph" == (service.storage.fetch(version) / "model.onnx").read_bytes()
    assert 3 == service.reader.count("GetObject")
