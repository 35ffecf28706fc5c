"""Handing requests over as jobs."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from triptych.jobs.inputs import MAX_INPUT
from triptych.jobs.job import IDS, Job, JobRequest
from triptych.models.repository import ModelRepository

from tests.support.job_fakes import INPUTS, NOW
from tests.support.jobs_api import DAY, JobsApi
from tests.support.realtime import Answer, Call
from tests.unit.fakes.storage import MemoryStorage

ROOT = Path(__file__).parents[2]
SUBMIT = "/v2/models/{model}/jobs"
SUBMIT_VERSION = "/v2/models/{model}/versions/{version}/jobs"
UPLOAD = "uploads/0d7c3a2e-5b1f-4c86-9a64-2f8e1d3b7c95"
CSV = b"x\n1\n"
TENSORS = json.dumps({"inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "data": [1]}]}).encode()
IS_CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def api(tmp_path: Path) -> JobsApi:
    """The function, with a model in two versions."""
    return JobsApi(ModelRepository([MemoryStorage(tmp_path, {"iris": {1: "one", 2: "two"}})], 60))


def submit(
    api: JobsApi,
    body: bytes = CSV,
    headers: Mapping[str, str] = IS_CSV,
    version: str | None = None,
    query: Mapping[str, str] | None = None,
) -> Answer:
    """Hands a request for the model over."""
    path = {"model": "iris"} | ({"version": version} if version else {})
    resource = SUBMIT_VERSION if version else SUBMIT
    return api.function.handle(Call("POST", resource, path, headers, query or {}, body).event())


def submit_as(api: JobsApi, identity: dict[str, str | None] | None) -> Answer:
    """Hands a request over with a key, as somebody."""
    headers = {**IS_CSV, "Idempotency-Key": "order-1"}
    event = Call("POST", SUBMIT, {"model": "iris"}, headers, body=CSV).event()
    event["requestContext"]["identity"] = identity
    return api.function.handle(event)


def refer(api: JobsApi, **fields: Any) -> Answer:  # noqa: ANN401 - any JSON
    """Hands over what says where its input is."""
    return submit(api, json.dumps(fields).encode(), {"Content-Type": "application/json"})


def the_job(api: JobsApi) -> Job:
    """The only job."""
    (job,) = api.store
    return job


def sent(api: JobsApi) -> dict[str, Any]:
    """The only message."""
    ((message, _),) = api.queue.sent
    read: dict[str, Any] = json.loads(message)
    return read


def test_accepted(api: JobsApi) -> None:
    """A job is recorded, sent, and answered with its document and when to look at it."""
    answer = submit(api)
    job = the_job(api)
    assert (202, "1") == (answer.status, answer.headers["Retry-After"])
    assert {
        "id": job.id,
        "status": "queued",
        "model": "iris",
        "created_at": "2026-01-01T00:00:00.000Z",
        "expires_at": "2026-01-02T00:00:00.000Z",
        "attempts": 0,
        "redrives": 0,
    } == answer.json()
    assert (job.id, CSV) == (sent(api)["id"], base64.b64decode(sent(api)["body_base64"]))
    (record,) = api.requests.ended
    assert ("iris", None) == (record.model, record.error)


@pytest.mark.parametrize("base", ["https://host/api", "https://host", "https://host/a/custom/path"])
@pytest.mark.parametrize("version", [None, "2"])
def test_location(api: JobsApi, base: str, version: str | None) -> None:
    """The job's place is relative to the request: it holds behind any stage and any domain."""
    answer = submit(api, version=version)
    path = f"/v2/models/iris/versions/{version}/jobs" if version else "/v2/models/iris/jobs"
    assert f"{base}/v2/jobs/{the_job(api).id}" == urljoin(base + path, answer.headers["Location"])


def test_version(api: JobsApi) -> None:
    """A job for one version keeps it; the log tells it too."""
    answer = submit(api, version="1")
    assert (1, "1") == (the_job(api).version, answer.json()["version"])
    assert [1] == [record.version for record in api.requests.ended]


def test_options(api: JobsApi) -> None:
    """Options come as query parameters, and go into record, message and queue."""
    rows = {"accept": "application/json", "join": "all", "outputs": "species"}
    answer = submit(api, query={"time_to_live": "3600", "delay": "60", "target": "nightly", **rows})
    job = the_job(api)
    assert (NOW + 3_600_000, "nightly") == (job.expires, job.target)
    assert JobRequest("text/csv", accept="application/json", join="all", outputs="species") == job.request
    assert ([60], "nightly") == ([delay for _, delay in api.queue.sent], answer.json()["target"])


def test_header_accept_speaks_of_the_answer(api: JobsApi) -> None:
    """A client's Accept header does not choose the format of the result."""
    assert 202 == submit(api, headers={**IS_CSV, "Accept": "image/gif"}).status
    assert the_job(api).request.accept is None


def test_compressed(api: JobsApi) -> None:
    """A compressed body is checked as what it is, and travels as it came."""
    body = gzip.compress(TENSORS)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert 202 == submit(api, body, headers).status
    assert "gzip" == the_job(api).request.content_encoding
    assert body == base64.b64decode(sent(api)["body_base64"])


def test_binary(api: JobsApi) -> None:
    """Raw tensors keep the length of their JSON."""
    entry = {"name": "x", "datatype": "INT64", "shape": [1], "parameters": {"binary_data_size": 8}}
    header = json.dumps({"inputs": [entry]}).encode()
    length = {"Inference-Header-Content-Length": str(len(header))}
    assert 202 == submit(api, header + bytes(8), length).status
    assert JobRequest(header_length=len(header)) == the_job(api).request


def test_large(api: JobsApi) -> None:
    """An input that is too large for a message is kept, and the message says where."""
    body = b"x\n" + b"1\n" * 300_000
    assert 202 == submit(api, body).status
    location = the_job(api).input
    assert location is not None
    assert body == api.inputs.fetch(location, MAX_INPUT).body
    assert (location, False) == (sent(api)["input"], "body_base64" in sent(api))


@pytest.mark.parametrize(
    ("name", "location"),
    [(UPLOAD, f"s3://{INPUTS}/{UPLOAD}"), (f"s3://{INPUTS}/my/rows.csv", f"s3://{INPUTS}/my/rows.csv")],
)
def test_reference(api: JobsApi, name: str, location: str) -> None:
    """A body may say where the input is, and what."""
    answer = refer(api, input=name, content_type="text/csv", content_encoding="gzip")
    assert 202 == answer.status
    assert (location, JobRequest("text/csv", "gzip")) == (the_job(api).input, the_job(api).request)
    assert location == sent(api)["input"]


def test_reference_to_binary(api: JobsApi) -> None:
    """An input that is kept may have raw tensors behind its JSON."""
    assert 202 == refer(api, input=UPLOAD, inference_header_content_length=100).status
    assert JobRequest(header_length=100) == the_job(api).request


@pytest.mark.parametrize(
    "content_type", [None, "application/x-www-form-urlencoded", "application/octet-stream"]
)
def test_reference_of_no_type(api: JobsApi, content_type: str | None) -> None:
    """What says where the input is need not say that it is JSON, as curl does not."""
    headers = {"Content-Type": content_type} if content_type else {}
    assert 202 == submit(api, json.dumps({"input": UPLOAD}).encode(), headers).status
    assert f"s3://{INPUTS}/{UPLOAD}" == the_job(api).input


def test_rows_with_the_word_input(api: JobsApi) -> None:
    """Rows are rows, whatever they hold."""
    line = b'{"input": "uploads/x"}\n'
    assert 202 == submit(api, line, {"Content-Type": "application/jsonlines"}).status
    assert the_job(api).input is None


def test_tensor_called_input(api: JobsApi) -> None:
    """A request that has tensors or rows is one, whatever they are called."""
    body = TENSORS.replace(b'"x"', b'"input"')
    assert 202 == submit(api, body, {}).status
    rows = b'{"instances": [{"input": 1}], "input": "odd"}'
    assert 202 == submit(api, rows, {"Content-Type": "application/json"}).status
    assert [None, None] == [job.input for job in api.store]


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        (
            {"input": UPLOAD, "contenttype": "a"},
            400,
            "unknown field 'contenttype' (did you mean 'content_type'?); fields are input,",
        ),
        ({"input": ""}, 400, "'input' must be a non-empty string"),
        ({"input": 5}, 400, "'input' must be a non-empty string, got a number"),
        ({"input": "s3://elsewhere/key"}, 400, "input: expected an uploaded key"),
        ({"input": UPLOAD, "content_type": 5}, 400, "'content_type' must be a string"),
        ({"input": UPLOAD, "content_type": "image/gif"}, 415, "Content-Type 'image/gif' is not read here"),
        ({"input": UPLOAD, "inference_header_content_length": -1}, 400, "must be a whole number from 0"),
    ],
)
def test_refused_references(api: JobsApi, fields: dict[str, Any], status: int, message: str) -> None:
    """What cannot name an input is refused at once."""
    answer = refer(api, **fields)
    assert status == answer.status
    assert message in answer.error
    assert (0, []) == (len(api.store), api.queue.sent)


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (b"", IS_CSV, 400, "the body is empty"),
        (b"{", {}, 400, "the body is not valid JSON"),
        (b'{"input"', {}, 400, "the body is not valid JSON"),
        (b"[]", {}, 400, "must be a JSON object"),
        (b"x", {"Content-Type": "image/gif"}, 415, "Content-Type 'image/gif' is not read here"),
        (b"x", {**IS_CSV, "Content-Encoding": "br"}, 415, "Content-Encoding 'br' is not read"),
        (b"x", {**IS_CSV, "Content-Encoding": "gzip"}, 400, "the body is not valid gzip"),
        (TENSORS, {"Inference-Header-Content-Length": "9999"}, 400, "expected a whole number from 0 to"),
        (
            gzip.compress(bytes(65 * 2**20), mtime=0),
            {**IS_CSV, "Content-Encoding": "gzip"},
            413,
            "decompresses to",
        ),
        (CSV, {**IS_CSV, "Idempotency-Key": ""}, 400, "expected 1 to 255 visible ASCII characters"),
        (CSV, {**IS_CSV, "Idempotency-Key": "a b"}, 400, "expected 1 to 255 visible ASCII characters"),
        (CSV, {**IS_CSV, "Idempotency-Key": "é"}, 400, "expected 1 to 255 visible ASCII characters"),
        (CSV, {**IS_CSV, "Idempotency-Key": "k" * 256}, 400, "expected 1 to 255 visible ASCII characters"),
    ],
)
def test_refused(api: JobsApi, body: bytes, headers: Mapping[str, str], status: int, message: str) -> None:
    """What real time would refuse without looking at the model is no job."""
    answer = submit(api, body, headers)
    assert status == answer.status
    assert message in answer.error
    assert (0, []) == (len(api.store), api.queue.sent)


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"time_to_live": "59"}, 400, "time_to_live: expected whole seconds from 60 to 1209600, got '59'"),
        ({"time_to_live": str(14 * DAY + 1)}, 400, "time_to_live: expected whole seconds"),
        ({"time_to_live": "soon"}, 400, "time_to_live: expected whole seconds"),
        ({"delay": "901"}, 400, "delay: expected whole seconds from 0 to 900"),
        ({"delay": "60", "time_to_live": "60"}, 400, "delay: the job would expire"),
        ({"target": "a b"}, 400, "target: expected 1 to 64 letters"),
        ({"accept": "image/gif"}, 406, "Accept 'image/gif' names no type that is given here"),
    ],
)
def test_refused_options(api: JobsApi, query: dict[str, str], status: int, message: str) -> None:
    """Options that cannot be are refused, with what they can be."""
    answer = submit(api, query=query)
    assert status == answer.status
    assert message in answer.error
    assert 0 == len(api.store)


@pytest.mark.parametrize(
    ("model", "version", "status", "message"),
    [
        ("rose", None, 404, "unknown model 'rose'"),
        ("../iris", None, 404, "unknown model '../iris'"),
        ("iris", "3", 404, "unknown version 3 of model 'iris', which has 2, 1"),
        ("iris", "latest", 400, "version 'latest': expected a positive integer"),
    ],
)
def test_unknown_models(api: JobsApi, model: str, version: str | None, status: int, message: str) -> None:
    """A job for a model that is not there is refused at once."""
    path = {"model": model} | ({"version": version} if version else {})
    resource = SUBMIT_VERSION if version else SUBMIT
    answer = api.function.post(resource, CSV, IS_CSV, **path)
    assert status == answer.status
    assert answer.error.startswith(message)
    assert 0 == len(api.store)


def test_idempotency(api: JobsApi) -> None:
    """The same request with the same key is the same job, also when that has ended since."""
    headers = {**IS_CSV, "Idempotency-Key": "order-1"}
    first = submit(api, headers=headers)
    api.fail(api.queue.sent[0][0])
    second = submit(api, headers=headers)
    assert (202, 202) == (first.status, second.status)
    assert IDS.derived("http/", "order-1") == first.json()["id"] == second.json()["id"]
    assert ("queued", "failed") == (first.json()["status"], second.json()["status"])
    assert 1 == len(api.queue.sent)


def test_key_of_another_request(api: JobsApi) -> None:
    """A key stands for one request: another body is a conflict."""
    headers = {**IS_CSV, "Idempotency-Key": "order-1"}
    submit(api, headers=headers)
    answer = submit(api, b"x\n2\n", headers)
    assert (409, 1) == (answer.status, len(api.store))
    assert "the idempotency key was used for job" in answer.error


def test_key_of_another_caller(api: JobsApi) -> None:
    """Two callers may choose the same key: API keys tell them apart, without those their signatures."""
    identities: list[dict[str, str | None] | None] = [
        {"apiKeyId": "a", "userArn": "arn:1"},
        {"apiKeyId": "b", "userArn": "arn:1"},
        {"apiKeyId": None, "userArn": "arn:1"},
        {"apiKeyId": None, "userArn": None},
    ]
    ids = [submit_as(api, identity).json()["id"] for identity in identities]
    assert 4 == len(set(ids))
    assert ids == [submit_as(api, identity).json()["id"] for identity in identities]


@pytest.mark.parametrize("part", ["store", "queue"])
def test_unavailable(api: JobsApi, part: str) -> None:
    """What cannot be accepted is a 503, and leaves nothing behind that nobody would run."""
    getattr(api, part).broken = "the jobs do not answer"
    answer = submit(api)
    assert (503, "the jobs do not answer") == (answer.status, answer.error)
    assert 0 == len(api.store)


def test_upload(api: JobsApi) -> None:
    """An upload form tells where to, with which fields, until when, and what names the input then."""
    answer = api.function.post("/v2/uploads")
    form = answer.json()
    assert (201, MAX_INPUT, "2026-01-01T00:15:00.000Z") == (
        answer.status,
        form["max_bytes"],
        form["expires_at"],
    )
    assert form["input"] == form["fields"]["key"]
    assert 202 == refer(api, input=form["input"], content_type="text/csv").status


def test_cold_start() -> None:
    """The function that takes jobs starts without NumPy, ONNX Runtime and Arrow."""
    program = "import sys, jobs_handler; print(*sys.modules)"
    environment = {
        "PYTHONPATH": os.pathsep.join((str(ROOT / "functions/async"), str(ROOT / "layers/triptych"))),
        "MODEL_REPOSITORY": str(ROOT / "layers/models"),
        "JOBS_TABLE": "jobs",
        "RESULTS_BUCKET": "results",
        "JOBS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:jobs",
        "AWS_REGION": "eu-west-1",
    }
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)  # noqa: S603 - our own program
    started = set(run.stdout.split())
    assert "jobs_handler" in started
    assert set() == {"numpy", "onnxruntime", "arro3"} & started
