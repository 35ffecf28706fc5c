"""Jobs that memory is too small for: they go by file, and end as the others do."""

import gzip
import json

import pytest
from triptych.jobs.job import Job, Status
from triptych.protocol.compression import PLAIN_LIMIT

from tests.support.workshop import Workshop, sums

MB = 2**20
ROWS = 3_000_000  # 6 MB


def rows(count: int) -> bytes:
    """Returns CSV for `lookup`, as many rows."""
    return b"index\n" + b"0\n1\n2\n" * (count // 3)


def result(workshop: Workshop, job: Job) -> bytes:
    """Returns the result of a job that succeeded."""
    ended = workshop.job(job)
    assert (Status.SUCCEEDED, None) == (ended.status, ended.error)
    assert ended.result is not None
    return workshop.results.read(ended.result)


def test_a_large_input(workshop: Workshop) -> None:
    """An input of more than 5 MiB is run by file, beside others that are not, and has every row."""
    large = workshop.submit(rows(ROWS), "lookup", content_type="text/csv")
    small = workshop.submit(sums())
    assert {None} == set(workshop.work().values())
    assert ROWS + 1 == result(workshop, large).count(b"\n")
    assert "adder" == json.loads(result(workshop, small))["model_name"]


def test_an_input_that_stretches(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is small as it comes and too large for memory once it is decompressed goes by file as well."""
    monkeypatch.setattr(PLAIN_LIMIT, "bytes", 1000)
    job = workshop.submit(
        gzip.compress(rows(6000)), "lookup", content_type="text/csv", content_encoding="gzip"
    )
    assert {None} == set(workshop.work().values())
    assert 6001 == result(workshop, job).count(b"\n")


def test_a_large_input_that_is_wrong(workshop: Workshop) -> None:
    """It fails as a small one does, with the words of the model."""
    job = workshop.submit(rows(ROWS) + b"7\n", "lookup", content_type="text/csv")
    assert {None} == set(workshop.work().values())
    error = workshop.job(job).error
    assert error is not None
    assert ("BadRequest", False) == (error.type, error.retryable)
    assert "indices element out of data bounds, idx=7" in error.message


def test_a_large_input_that_is_json(workshop: Workshop) -> None:
    """JSON that is too large to be read at once says what to send instead."""
    job = workshop.submit(b'{"inputs": ["' + b"x" * (17 * MB) + b'"]}')
    workshop.work()
    error = workshop.job(job).error
    assert error is not None
    assert "PayloadTooLarge" == error.type
    assert "send" in error.message


def test_a_large_job_that_is_cancelled(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops between two slices, and leaves no result and no file."""
    monkeypatch.setattr("triptych.jobs.large._LOOK", 0.0)
    job = workshop.submit(rows(ROWS), "lookup", content_type="text/csv")
    runs: list[object] = []
    workshop.hooks.before = [lambda _: workshop.service.cancel(job.id), runs.append]
    assert {None} == set(workshop.work().values())
    assert (Status.CANCELLED, 0) == (workshop.job(job).status, len(workshop.results))
    assert 1 == len(runs)
    assert [] == list((workshop.directory / "large").iterdir())


@pytest.mark.parametrize(
    ("model", "body", "answers"),
    [
        ("lookup", {"instances": [{"index": row % 3} for row in range(60_000)]}, "predictions"),
        (
            "adder",
            {
                "inputs": [
                    {"name": name, "datatype": "FP32", "shape": [60_000, 2], "data": [0.5] * 120_000}
                    for name in ("a", "b")
                ]
            },
            "outputs",
        ),
    ],
)
def test_a_large_input_of_json(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, model: str, body: dict[str, object], answers: str
) -> None:
    """Whether JSON that is run by file is rows or tensors, its text tells."""
    monkeypatch.setattr("triptych.jobs.attempts.MAX_IN_MEMORY", 1000)
    job = workshop.submit(json.dumps(body).encode(), model, content_type="application/json")
    assert job.input is not None
    assert {None} == set(workshop.work().values())
    assert answers in json.loads(result(workshop, job))
