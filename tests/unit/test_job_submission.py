"""Requests for jobs, and the ids that they get."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from triptych.errors import BadRequest, NotAcceptable, NotFound, TriptychError, UnsupportedMediaType
from triptych.jobs.job import IDS, Job, JobRequest
from triptych.jobs.submission import Options, Submission, check, is_rows
from triptych.lifecycle.record import random_id

from tests.support.properties import examples

TENSORS = json.dumps({"inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "data": [1]}]}).encode()
KNOWN = IDS.derived("a", "k")
ROWS = b'{"instances": [1]}'
SUBMISSION = Submission("iris", 1, JobRequest("text/csv"), Options(60, 5, "nightly"), b"x\n1\n")


def test_job() -> None:
    """A submission becomes a record that expires in its time."""
    assert Job(
        id="a",
        model="iris",
        version=1,
        request=JobRequest("text/csv"),
        digest=SUBMISSION.digest(),
        created=1_000,
        expires=61_000,
        target="nightly",
    ) == SUBMISSION.job("a", 1_000)


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "rose"},
        {"version": 2},
        {"version": None},
        {"request": JobRequest("text/csv", accept="application/json")},
        {"request": JobRequest("text/csv", outputs="species")},
        {"body": b"x\n2\n"},
        {"body": b""},
        {"body": None},
        {"body": None, "input": "s3://inputs/x"},
    ],
)
def test_digest_of_another_request(changed: dict[str, Any]) -> None:
    """Whatever changes the answer changes the digest."""
    assert SUBMISSION.digest() != SUBMISSION._replace(**changed).digest()


def test_digest_of_the_same_request() -> None:
    """How long a caller wants to wait, and how the job is labelled, are not what is asked for."""
    assert SUBMISSION.digest() == SUBMISSION._replace(options=Options(3600)).digest()


@pytest.mark.parametrize(
    ("content_type", "header_length", "body", "rows"),
    [
        (None, None, TENSORS, False),
        ("application/json", None, TENSORS, False),
        ("Application/JSON; charset=utf-8", None, ROWS, True),
        ("application/json", None, TENSORS.replace(b'"x"', b'"instances"'), False),
        ("application/octet-stream", None, TENSORS, False),
        ("binary/octet-stream", None, TENSORS, False),
        ("application/x-www-form-urlencoded", None, TENSORS, False),
        ("text/csv", None, b"", True),
        ("application/jsonlines", None, b"", True),
        ("image/gif", None, b"", True),
        ("text/csv", 5, b"", False),
        ("application/json", 0, ROWS, False),
    ],
)
def test_rows_or_tensors(
    content_type: str | None, header_length: int | None, body: bytes, *, rows: bool
) -> None:
    """The content type tells rows from tensors; only JSON must be looked into."""
    request = JobRequest(content_type, header_length=header_length)
    assert rows == is_rows(request, body)
    assert rows == is_rows(request, memoryview(body))


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (JobRequest(), TENSORS),
        (JobRequest("application/octet-stream", header_length=len(TENSORS)), TENSORS),
        (JobRequest("application/octet-stream", header_length=0), b"\x00\x01"),
        (JobRequest("application/json"), ROWS),
        (JobRequest("text/csv", accept="application/json, */*;q=0.1"), b"x\n1\n"),
        (JobRequest(accept="image/gif"), TENSORS),
    ],
)
def test_accepted(request_: JobRequest, body: bytes) -> None:
    """What may fit a model is taken."""
    check(request_, body)


@pytest.mark.parametrize(
    ("request_", "body", "error"),
    [
        (JobRequest(), b"", BadRequest),
        (JobRequest(header_length=0), b"", BadRequest),
        (JobRequest("text/csv"), b"", BadRequest),
        (JobRequest(), b"x", BadRequest),
        (JobRequest(header_length=1), TENSORS, BadRequest),
        (JobRequest("image/gif"), b"x", UnsupportedMediaType),
        (JobRequest("text/csv; charset=utf-16"), b"x", UnsupportedMediaType),
        (JobRequest("text/csv", accept="image/gif"), b"x", NotAcceptable),
    ],
)
def test_refused(request_: JobRequest, body: bytes, error: type[TriptychError]) -> None:
    """What fits no model is refused."""
    with pytest.raises(error):
        check(request_, body)


@examples(100)
@given(scope=st.text(max_size=20), key=st.text(max_size=20))
def test_derived_ids(scope: str, key: str) -> None:
    """A key always makes the same id, which is one that a job can have."""
    assert IDS.derived(scope, key) == IDS.checked(IDS.derived(scope, key))


def test_ids_differ() -> None:
    """Neither another key, nor another scope, nor chance makes the same id."""
    ids = [IDS.derived("a", "k"), IDS.derived("a", "l"), IDS.derived("b", "k"), random_id(), random_id()]
    assert 5 == len(set(ids))
    assert ids == [IDS.checked(text) for text in ids]


@pytest.mark.parametrize("text", ["", "x", "../a", "a" * 5000, f"{KNOWN.upper()}A", f"{KNOWN}\n"])
def test_no_id(text: str) -> None:
    """A text that no job has for an id is not looked up; the message quotes little of it."""
    with pytest.raises(NotFound, match=re.escape("there is no job ")) as refused:
        IDS.checked(text)
    assert 100 > len(str(refused.value))
