"""Results of jobs in S3: written once, read, linked, deleted."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from triptych.errors import NotFound, ServiceUnavailable
from triptych.jobs.job import Job, JobRequest, JobResult
from triptych.jobs.results import ResultStore

from tests.integration.job_world import RESULTS, JobWorld
from tests.integration.outages import refusing

ID = "00000000-0000-4000-8000-000000000001"
JOB = Job(ID, "digits", None, JobRequest(), "digest", 1, 2)
KEY = f"results/{ID}/0"
TENSORS = JobResult("", "application/octet-stream", 120, 0, 3)
ROWS = JobResult("", "text/csv", None, 0, 4)
FILLED = ROWS._replace(filled=7)
MB = 1 << 20


def multipart(tmp_path: Path, fill: bytes) -> Path:
    """A file that is uploaded in five parts."""
    path = tmp_path / fill.decode()
    path.write_bytes(fill * (33 * MB))
    return path


def uploads(world: JobWorld) -> list[Any]:
    """Multipart uploads that were begun and neither completed nor aborted."""
    return list(world.aws.s3.list_multipart_uploads(Bucket=RESULTS).get("Uploads", []))


@pytest.mark.parametrize("described", [TENSORS, ROWS, FILLED])
def test_kept_and_read(world: JobWorld, described: JobResult) -> None:
    """A result is kept with what it is, and read again."""
    result = world.results.put(JOB, b"content", described)
    assert described._replace(location=f"s3://{RESULTS}/{KEY}", size=7) == result
    assert b"content" == world.results.read(result)
    head = world.aws.s3.head_object(Bucket=RESULTS, Key=KEY)
    expected = {"model-version": str(described.version)}
    if described.header_length:
        expected["inference-header-content-length"] = str(described.header_length)
    if described.filled:
        expected["filled-cells"] = str(described.filled)
    assert (described.content_type, expected) == (head["ContentType"], head["Metadata"])


def test_first_result_counts(world: JobWorld) -> None:
    """Whoever comes second is told what the first one kept."""
    first = world.results.put(JOB, b"first", FILLED)
    assert first == world.results.put(JOB, b"second one", ROWS)
    assert b"first" == world.results.read(first)


def test_race(world: JobWorld) -> None:
    """Of many who write at once, all are told of one result, which is there."""
    contents = [str(number).encode() * (number + 1) for number in range(8)]
    store = world.results
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda body: store.put(JOB, body, ROWS), contents))
    assert 1 == len(set(results))
    assert store.read(results[0]) == contents[results[0].size - 1]


def test_each_redrive_has_its_own(world: JobWorld) -> None:
    """A job that was redriven writes another result, and deletes only that."""
    redriven = JOB._replace(redrives=1)
    world.results.put(JOB, b"first", ROWS)
    again = world.results.put(redriven, b"again", ROWS)
    assert (f"s3://{RESULTS}/results/{ID}/1", b"again") == (again.location, world.results.read(again))
    world.results.delete(redriven)
    assert [KEY] == world.keys(RESULTS)


def test_small_file(world: JobWorld, tmp_path: Path) -> None:
    """A result in a file is kept as one in memory is."""
    path = tmp_path / "result.csv"
    path.write_bytes(b"a,b\n1,2\n")
    result = world.results.put(JOB, path, ROWS)
    assert (8, b"a,b\n1,2\n") == (result.size, world.results.read(result))


@pytest.mark.parametrize("size", [0, 10])
def test_inline(world: JobWorld, tmp_path: Path, size: int) -> None:
    """A small result, in memory or in a file, is part of the record: there is no object, and none is read."""
    store = inline_store(world)
    body, path = b"x" * size, tmp_path / "result"
    path.write_bytes(body)
    described = FILLED._replace(location=None, size=size, body=body)
    assert described == store.put(JOB, body, FILLED) == store.put(JOB, path, FILLED)
    assert (body, []) == (store.read(described), world.keys(RESULTS))


def test_larger_than_inline(world: JobWorld) -> None:
    """One byte more is an object."""
    store = inline_store(world)
    result = store.put(JOB, b"x" * 11, ROWS)
    assert (None, [KEY]) == (result.body, world.keys(RESULTS))
    assert b"x" * 11 == store.read(result)


def inline_store(world: JobWorld) -> ResultStore:
    """Makes a store of results of which ten bytes are part of the record."""
    world.aws.s3.create_bucket(Bucket=RESULTS)
    return ResultStore(world.aws, RESULTS, inline=10)


def test_large_file(world: JobWorld, tmp_path: Path) -> None:
    """A large file is uploaded in parts, in their order, with what it is."""
    path = multipart(tmp_path, b"x")
    with path.open("r+b") as file:
        file.write(b"begin")
        file.seek(-3, 2)
        file.write(b"end")
    result = world.results.put(JOB, path, TENSORS)
    head = world.aws.s3.head_object(Bucket=RESULTS, Key=KEY)
    assert head["ETag"].endswith('-5"')
    assert ("120", "3", 33 * MB) == (
        *(head["Metadata"][key] for key in sorted(head["Metadata"])),
        result.size,
    )
    assert path.read_bytes() == world.results.read(result)
    assert [] == uploads(world)


def test_large_file_that_comes_second(world: JobWorld, tmp_path: Path) -> None:
    """A large file does not replace a result, and leaves no parts behind."""
    first = world.results.put(JOB, b"first", TENSORS)
    assert first == world.results.put(JOB, multipart(tmp_path, b"y"), ROWS)
    assert b"first" == world.results.read(first)
    assert [] == uploads(world)


def test_part_that_fails(world: JobWorld, tmp_path: Path) -> None:
    """An upload that fails on the way is taken back."""
    store = world.results
    with refusing("UploadPart", "InternalError"), pytest.raises(ServiceUnavailable, match="store of results"):
        store.put(JOB, multipart(tmp_path, b"z"), ROWS)
    assert ([], []) == (uploads(world), world.keys(RESULTS))


def test_abort_that_fails(world: JobWorld, tmp_path: Path) -> None:
    """When an upload cannot be taken back either, it is still the first failure that is told."""
    store = world.results
    with (
        refusing("UploadPart", "SlowDown"),
        refusing("AbortMultipartUpload", "AccessDenied"),
        pytest.raises(ServiceUnavailable, match="it asks for fewer requests"),
    ):
        store.put(JOB, multipart(tmp_path, b"z"), ROWS)


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "PreconditionFailed"])
def test_conflict_that_passes(world: JobWorld, code: str) -> None:
    """While S3 cannot tell who is first, or the first result is gone again, it is tried again."""
    store = world.results
    with refusing("PutObject", code, times=2):
        result = store.put(JOB, b"content", ROWS)
    assert b"content" == store.read(result)


def test_conflict_that_stays(world: JobWorld) -> None:
    """A conflict that does not end is told as such."""
    store = world.results
    with (
        refusing("PutObject", "ConditionalRequestConflict"),
        pytest.raises(ServiceUnavailable, match="others write the same result"),
    ):
        store.put(JOB, b"content", ROWS)


def test_answer_that_was_lost(world: JobWorld) -> None:
    """A write whose answer was lost, made again, gives what it wrote."""
    first = world.results.put(JOB, b"content", TENSORS)
    with refusing("PutObject", "PreconditionFailed"):
        assert first == world.results.put(JOB, b"content", TENSORS)


def test_deleted(world: JobWorld) -> None:
    """A deleted result is not found; to delete what is not there changes nothing."""
    result = world.results.put(JOB, b"content", ROWS)
    for _ in range(2):
        world.results.delete(JOB)
    with pytest.raises(NotFound, match="the result was deleted") as caught:
        world.results.read(result)
    assert RESULTS not in str(caught.value)


def test_url(world: JobWorld) -> None:
    """A URL is signed for the result, an hour and its type."""
    result = world.results.put(JOB, b"content", ROWS)
    url = urlsplit(world.results.url(result))
    query = parse_qs(url.query)
    assert (f"{RESULTS}.s3.amazonaws.com", f"/{KEY}") == (url.hostname, url.path)
    assert ["3600"] == query["X-Amz-Expires"]
    assert ["text/csv"] == query["response-content-type"]
    assert ["AWS4-HMAC-SHA256"] == query["X-Amz-Algorithm"]
