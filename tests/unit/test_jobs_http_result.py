"""Results of jobs."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from triptych.http.response import MAX_BODY
from triptych.models.repository import ModelRepository

from tests.support.jobs_api import JOB_ID, JobsApi
from tests.support.realtime import Answer, Call
from tests.unit.fakes.storage import MemoryStorage

PARQUET = "application/vnd.apache.parquet"


@pytest.fixture
def api(tmp_path: Path) -> JobsApi:
    """The function, which needs no model here."""
    return JobsApi(ModelRepository([MemoryStorage(tmp_path)], 60))


def result(api: JobsApi, **headers: str) -> Answer:
    """Asks for the result."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.function.handle(Call("GET", "/v2/jobs/{id}/result", {"id": JOB_ID}, names).event())


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("species\nAdélie\n".encode(), "text/csv; charset=utf-8"),
        ("species\nAdélie\n".encode(), "text/csv; charset=utf-8; header=absent"),
        (b'{"a": 1}\n', "application/jsonlines"),
        (b'{"a": 1}\n', "application/x-jsonl"),
        (b'{"outputs": []}', "application/json"),
        (bytes(range(256)), PARQUET),
        (b"", "application/jsonlines"),
    ],
)
def test_inline(api: JobsApi, body: bytes, content_type: str) -> None:
    """A result comes as it is kept, with its own content type."""
    api.succeeded(body, content_type)
    answer = result(api)
    assert (200, body, {"Content-Type": content_type}) == (answer.status, answer.body, answer.headers)


def test_filled_cells(api: JobsApi) -> None:
    """A result of rows says how many missing cells were filled in, in the header and in the job."""
    job = api.succeeded()
    assert job.result is not None
    api.store.jobs[JOB_ID] = job._replace(result=job.result._replace(filled=3))
    assert "3" == result(api).headers["Triptych-Filled-Cells"]
    shown = api.function.handle(Call("GET", "/v2/jobs/{id}", {"id": JOB_ID}).event()).json()
    assert 3 == shown["result"]["filled_cells"]


def test_binary(api: JobsApi) -> None:
    """A result with raw tensors says how long its JSON is, compressed or not."""
    body = b'{"outputs": []}' + bytes(5000)
    api.succeeded(body, "application/octet-stream", 15)
    plain, small = result(api), result(api, Accept_Encoding="gzip")
    assert (body, body) == (plain.body, gzip.decompress(small.body))
    lengths = [answer.headers["Inference-Header-Content-Length"] for answer in (plain, small)]
    assert ["15", "15"] == lengths
    assert "gzip" == small.headers["Content-Encoding"]


@pytest.mark.parametrize("content_type", ["text/csv", PARQUET])
@pytest.mark.parametrize("character", [b"a", b'"', b"\n"])
def test_largest_inline(api: JobsApi, content_type: str, character: bytes) -> None:
    """A result up to the bound fits an answer, whatever it holds."""
    api.succeeded(character * MAX_BODY, content_type)
    answer = result(api)
    assert (200, character * MAX_BODY) == (answer.status, answer.body)


def test_redirect(api: JobsApi) -> None:
    """A larger result is where the answer says, without being read."""
    job = api.succeeded(bytes(MAX_BODY + 1), PARQUET)
    assert job.result is not None
    answer = result(api)
    assert (303, api.results.url(job.result)) == (answer.status, answer.headers["Location"])
    assert {"url": api.results.url(job.result), "size": MAX_BODY + 1} == answer.json()


@pytest.mark.parametrize("state", ["queued", "running"])
def test_not_yet(api: JobsApi, state: str) -> None:
    """While there is no result yet, the state says so, and a header when to ask again."""
    getattr(api, state)()
    answer = result(api)
    assert (409, "1") == (answer.status, answer.headers["Retry-After"])
    assert {"error": f"job {JOB_ID} is {state}, it has no result", "status": state} == answer.json()


def test_failed(api: JobsApi) -> None:
    """A job that failed never has a result; the reason is given, and nobody told to ask again."""
    api.failed()
    answer = result(api)
    message = f"job {JOB_ID} is failed, it has no result: the model store did not answer"
    assert (409, {"error": message, "status": "failed"}) == (answer.status, answer.json())
    assert "Retry-After" not in answer.headers
    assert ["Conflict"] == [record.error for record in api.requests.ended]


def test_deleted(api: JobsApi) -> None:
    """A result that was deleted since is a 404."""
    api.results.delete(api.succeeded())
    answer = result(api)
    assert (404, "the result was deleted") == (answer.status, answer.error)


def test_unavailable(api: JobsApi) -> None:
    """A result that cannot be read now is a 503."""
    api.succeeded()
    api.results.broken = "the results do not answer"
    assert 503 == result(api).status
