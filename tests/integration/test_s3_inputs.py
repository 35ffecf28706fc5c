"""Inputs of jobs in S3: kept, uploaded, named, read."""

import base64
import json
import re
from pathlib import Path

import pytest
from triptych.aws.clients import AwsClients
from triptych.errors import BadRequest, PayloadTooLarge, ServiceUnavailable
from triptych.jobs import inputs as s3_inputs
from triptych.jobs.inputs import MAX_INPUT, InputStore, StoredInput

from tests.integration.job_world import ALLOWED, INPUTS, OTHER, RESULTS, JobWorld
from tests.integration.outages import refusing

ID = "00000000-0000-4000-8000-000000000001"
UPLOAD = f"uploads/{ID}"
NOW = 1_767_225_600_000


def test_kept_under_its_name(world: JobWorld) -> None:
    """An input is kept under the name of its job; to keep it again changes nothing."""
    for _ in range(2):
        location = world.inputs.put(f"{ID}/0123456789abcdef", b"content")
        assert f"s3://{INPUTS}/inputs/{ID}/0123456789abcdef" == location
    stored = world.inputs.fetch(location, 7)
    assert (location, 7, None, None, b"content") == stored[:2] + stored[3:]
    assert [f"inputs/{ID}/0123456789abcdef"] == world.keys(INPUTS)


@pytest.mark.parametrize(
    ("name", "location"),
    [
        (UPLOAD, f"s3://{INPUTS}/{UPLOAD}"),
        (f"s3://{INPUTS}/{UPLOAD}", f"s3://{INPUTS}/{UPLOAD}"),
        (f"s3://{ALLOWED}/a/../b ä\n.csv", f"s3://{ALLOWED}/a/../b ä\n.csv"),
    ],
)
def test_names_that_are_taken(world: JobWorld, name: str, location: str) -> None:
    """An upload is named by its key; everything by its URI."""
    assert location == world.inputs.locate(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ID,
        "uploads/",
        f"uploads/{ID}/more",
        f"uploads/{ID}\n",
        f"uploads/../results/{ID}",
        f"inputs/{ID}",
        f"s3://{INPUTS}/results/{ID}/0",
        f"s3://{INPUTS}/uploads/../results/{ID}",
        f"s3://{RESULTS}/results/{ID}/0",
        f"s3://{OTHER}/key",
        f"s3://{INPUTS}/inputs/{ID}",  # the input of another caller's job
        f"s3://{INPUTS}/inputs/{ID}/message",
        f"s3://{ALLOWED}",
        f"s3://{ALLOWED}/",
        f"s3://{ALLOWED}/\ud800",
        f"s3://{ALLOWED}/{'k' * 1025}",
        f"S3://{ALLOWED}/key",
        f"https://{ALLOWED}.s3.amazonaws.com/key",
    ],
)
def test_names_that_are_refused(world: JobWorld, name: str) -> None:
    """Whatever else a caller names is refused, without a word about buckets that it did not name."""
    with pytest.raises(BadRequest, match="is not taken; expected what an upload form called it") as caught:
        world.inputs.locate(name)
    with pytest.raises(BadRequest):
        world.inputs.fetch(name, 1)
    assert not {bucket for bucket in (INPUTS, ALLOWED) if bucket in str(caught.value) and bucket not in name}


def test_what_is_known_of_an_upload(world: JobWorld) -> None:
    """Type and encoding come along, unless the form's defaults were left as they were."""
    inputs = world.inputs
    location = world.put_object(INPUTS, UPLOAD, b"a,b", ContentType="text/csv", ContentEncoding="gzip")
    assert ("text/csv", "gzip") == inputs.fetch(location, 10)[3:5]
    fields = inputs.upload_form(NOW).fields
    defaults = {"ContentType": fields["Content-Type"], "ContentEncoding": fields["Content-Encoding"]}
    world.put_object(INPUTS, UPLOAD, b"a,b", **defaults)
    assert (None, None, b"a,b") == inputs.fetch(location, 10)[3:]


def test_large_input_is_not_read(world: JobWorld) -> None:
    """An input above the limit is looked up with one request, and its bytes are left where they are."""
    location = world.inputs.put(ID, b"12345")
    assert (5, None) == (world.inputs.fetch(location, 4).size, world.inputs.fetch(location, 4).body)
    assert b"12345" == world.inputs.fetch(location, 5).body
    empty = world.inputs.put(ID, b"")
    assert (0, b"") == (world.inputs.fetch(empty, 0).size, world.inputs.fetch(empty, 0).body)


def test_too_large_for_a_job(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that is larger than a job takes is refused, however much may be read."""
    monkeypatch.setattr(s3_inputs, "MAX_INPUT", 4)
    location = world.inputs.put(ID, b"12345")
    with pytest.raises(PayloadTooLarge, match="the input has 5 bytes; a job takes 4 at most"):
        world.inputs.fetch(location, 1000)


@pytest.mark.parametrize("name", [UPLOAD, f"s3://{ALLOWED}/missing.csv"])
def test_missing_input(world: JobWorld, name: str) -> None:
    """An input that is not there is the caller's to upload, and named as the caller named it."""
    with pytest.raises(BadRequest, match=re.escape(f"there is nothing to read at {name!r}; upload it")):
        world.inputs.fetch(world.inputs.locate(name), 10)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDenied", BadRequest),
        ("InvalidObjectState", BadRequest),
        ("ExpiredToken", ServiceUnavailable),
        ("SlowDown", ServiceUnavailable),
        ("InternalError", ServiceUnavailable),
    ],
)
def test_unreadable_input(world: JobWorld, code: str, error: type[Exception]) -> None:
    """What may not be read is the caller's to allow; what S3 cannot give now may be there later."""
    location = world.inputs.put(ID, b"content")
    with refusing("GetObject", code), pytest.raises(error):
        world.inputs.fetch(location, 10)


def test_put_that_is_refused(world: JobWorld) -> None:
    """What cannot be kept is no fault of the caller's."""
    with (
        refusing("PutObject", "AccessDenied"),
        pytest.raises(ServiceUnavailable, match="access to it is denied"),
    ):
        world.inputs.put(ID, b"content")


def test_download(world: JobWorld, tmp_path: Path) -> None:
    """A large input is brought to a file in ranges."""
    content = bytes(range(256)) * 4096 * 33
    stored = world.inputs.fetch(world.inputs.put(ID, content), 0)
    world.inputs.download(stored, tmp_path / "input")
    assert content == (tmp_path / "input").read_bytes()


@pytest.mark.parametrize("change", ["overwritten", "deleted"])
def test_changed_before_the_download(world: JobWorld, tmp_path: Path, change: str) -> None:
    """An input that is not any more what was looked up is not used."""
    stored: StoredInput = world.inputs.fetch(world.inputs.put(ID, b"first" * 5_000_000), 0)
    if change == "overwritten":
        world.inputs.put(ID, b"other" * 5_000_000)
    else:
        world.aws.s3.delete_object(Bucket=INPUTS, Key=f"inputs/{ID}")
    with pytest.raises(BadRequest, match="there is nothing to read"):
        world.inputs.download(stored, tmp_path / "input")
    assert not (tmp_path / "input").exists()


def test_upload_form(world: JobWorld) -> None:
    """A form is for one key that the server chose, a bounded size and a quarter of an hour."""
    first, second = world.inputs.upload_form(NOW), world.inputs.upload_form(NOW)
    assert first.input != second.input
    assert first.input == first.fields["key"]
    assert f"s3://{INPUTS}/{first.input}" == world.inputs.locate(first.input)
    assert (NOW + 900_000, MAX_INPUT) == (first.expires, first.max_bytes)
    policy = json.loads(base64.b64decode(first.fields["policy"]))
    for condition in (
        {"bucket": INPUTS},
        {"key": first.input},
        ["content-length-range", 1, MAX_INPUT],
        ["starts-with", "$Content-Type", ""],
        ["starts-with", "$Content-Encoding", ""],
        {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
    ):
        assert condition in policy["conditions"]
    named = {name for condition in policy["conditions"] for name in condition if isinstance(condition, dict)}
    assert named - {"bucket"} | {"Content-Type", "Content-Encoding", "policy", "x-amz-signature"} == set(
        first.fields
    )


def test_form_of_temporary_credentials(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token of a function's credentials is part of the form, and of its policy."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the-token")
    form = world.inputs.upload_form(NOW)
    assert "the-token" == form.fields["x-amz-security-token"]
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    assert {"x-amz-security-token": "the-token"} in policy["conditions"]


@pytest.mark.parametrize(
    ("region", "endpoint", "url"),
    [
        ("us-east-1", "", f"https://{INPUTS}.s3.amazonaws.com/"),
        ("eu-central-1", "", f"https://{INPUTS}.s3.eu-central-1.amazonaws.com/"),
        ("eu-central-1", "http://127.0.0.1:4566", f"http://127.0.0.1:4566/{INPUTS}"),
        ("eu-central-1", "http://host.docker.internal:4566", f"http://host.docker.internal:4566/{INPUTS}"),
    ],
)
@pytest.mark.usefixtures("aws")
def test_where_a_form_is_posted_to(
    monkeypatch: pytest.MonkeyPatch, region: str, endpoint: str, url: str
) -> None:
    """A form goes to S3 in the bucket's own region, or to the emulator under a name that it answers to."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    inputs = InputStore(AwsClients(), INPUTS)
    assert url == inputs.upload_form(NOW).url
