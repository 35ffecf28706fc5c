"""The message that a job travels in."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from triptych.errors import BadRequest, NotFound, TriptychError
from triptych.jobs.document import document
from triptych.jobs.job import IDS, Job, JobRequest, Status
from triptych.jobs.message import Message, decode, encode
from triptych.jobs.submission import OptionLimits, Options, Submission

from tests.support.job_strategies import jobs
from tests.support.properties import examples

LIMITS = OptionLimits(time_to_live=3600, longest=7200)
MESSAGE_ID = "7a1c"
NOW = 1_767_225_600_000
REQUEST = {"inputs": [{"name": "x", "datatype": "INT64", "shape": [1], "data": [1]}]}
MINIMAL: dict[str, Any] = {"model": "iris", "request": REQUEST}

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5) | st.floats(0, 2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
FIELDS = st.sampled_from(
    [
        *("id", "model", "version", "created", "expires", "digest", "redrives"),
        *("client_token", "time_to_live", "target", "header_length", "content_type"),
        *("request", "body", "body_base64", "input"),
    ]
)


def read(**message: Any) -> Message:  # noqa: ANN401 - any JSON
    """Reads a message."""
    return decode(json.dumps(message), MESSAGE_ID, LIMITS)


@examples(100)
@given(job=jobs(frozenset({Status.QUEUED})), body=st.binary(max_size=50))
def test_round_trip(job: Job, body: bytes) -> None:
    """What was encoded is decoded: the message alone makes the record again."""
    kept = job.input is not None
    fresh = Job(
        **{name: getattr(job, name) for name in ("id", "model", "version", "digest")},
        request=job.request._replace(content_type=job.request.content_type or None),
        created=job.created or 1,
        expires=job.expires or 1,
        input=job.input,
        target="label",
    )
    message = decode(encode(fresh, None if kept else body), MESSAGE_ID, LIMITS)
    assert fresh == message.job(NOW)
    assert (None if kept else body) == message.submission.body
    assert message.from_api


def test_minimal() -> None:
    """A model and an input make a job, with an id that each delivery of the message has."""
    message = read(**MINIMAL)
    assert (
        Submission(
            "iris",
            None,
            JobRequest("application/json"),
            Options(3600),
            json.dumps(REQUEST, separators=(",", ":")).encode(),
        )
        == message.submission
    )
    assert (IDS.derived("message", MESSAGE_ID), False) == (message.job_id, message.from_api)
    job = message.job(NOW)
    assert (NOW, NOW + 3_600_000, message.submission.digest()) == (job.created, job.expires, job.digest)


def test_everything() -> None:
    """A producer may say all that a caller of the API may."""
    message = read(
        model="iris",
        version="2",
        body="x\n1\n",
        content_type="text/csv",
        content_encoding="gzip",
        header_length=3,
        accept="application/json",
        join="all",
        outputs="species",
        client_token="order-1",  # noqa: S106 - no password
        time_to_live=60,
        target="nightly",
    )
    request = JobRequest("text/csv", "gzip", 3, "application/json", "all", "species")
    assert Submission("iris", 2, request, Options(60, 0, "nightly"), b"x\n1\n") == message.submission
    assert IDS.derived("queue", "order-1") == message.job_id


@pytest.mark.parametrize(
    ("given_as", "body", "location"),
    [
        ({"body": "é"}, "é".encode(), None),
        ({"body": ""}, b"", None),
        ({"body_base64": base64.b64encode(b"\xff").decode()}, b"\xff", None),
        ({"input": "uploads/x"}, None, "uploads/x"),
    ],
)
def test_inputs(given_as: dict[str, str], body: bytes | None, location: str | None) -> None:
    """An input is text, bytes, or where it is kept."""
    submission = read(model="iris", **given_as).submission
    assert (body, location) == (submission.body, submission.input)


@pytest.mark.parametrize("value", [1, "1"])
def test_version(value: object) -> None:
    """A version may be a number or the text of one."""
    assert 1 == read(**MINIMAL, version=value).submission.version


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"requests": 1}, "unknown field 'requests' (did you mean 'request'?); fields are id, model"),
        ({"model": None}, "the message: 'model' must be a non-empty string, got null"),
        ({"request": None}, "expected one of request, body, body_base64, input, got none of them"),
        ({"body": "x"}, "expected one of request, body, body_base64, input, got request, body"),
        ({"request": [1]}, "'request' must be an object, got an array"),
        ({"request": None, "body": 1}, "'body' must be a string, got a number"),
        ({"request": None, "body_base64": "*"}, "'body_base64' is not valid base64"),
        ({"version": "latest"}, "version 'latest': expected a positive integer"),
        ({"time_to_live": 1}, "time_to_live: expected whole seconds"),
        ({"client_token": 5}, "'client_token' must be a string, got a number"),
        ({"client_token": "x" * 4097}, "'client_token' has 4097 characters, more than 4096"),
        ({"content_type": 5}, "'content_type' must be a string, got a number"),
        ({"header_length": -1}, "'header_length' must be a whole number from 0"),
        ({"created": 1}, "'created' is written by the API alone; leave it out"),
        ({"created": True, "digest": "x"}, "'created' must be milliseconds since 1970"),
        ({"expires": 10**13, "digest": "x"}, "'expires' must be milliseconds since 1970"),
    ],
)
def test_malformed(changed: dict[str, object], message: str) -> None:
    """A message that is none says which field is meant and what it may be."""
    with pytest.raises(BadRequest) as refused:
        read(**{**MINIMAL, **changed})
    assert message in str(refused.value)


@pytest.mark.parametrize("text", ["", "x", "[]", "null", '{"model": NaN}', "\ud800"])
def test_no_message(text: str) -> None:
    """What is no JSON object is no message."""
    with pytest.raises(BadRequest):
        decode(text, MESSAGE_ID, LIMITS)


@pytest.mark.parametrize(("field", "value"), [("model", "../secrets"), ("id", "x"), ("id", "../x")])
def test_names_that_cannot_be(field: str, value: str) -> None:
    """A name that could reach elsewhere than a model or a job is not taken."""
    with pytest.raises(NotFound):
        read(**{**MINIMAL, "digest": "x", field: value})


@examples(300)
@given(
    fields=st.dictionaries(FIELDS, JSON_VALUES, max_size=3),
    kept=st.sampled_from([MINIMAL, {**MINIMAL, "digest": "x"}, {"model": "iris"}]),
)
def test_any_message(fields: dict[str, Any], kept: dict[str, Any]) -> None:
    """Any message is refused, or makes a job whose document can be shown."""
    try:
        job = read(**{**kept, **fields}).job(NOW)
    except TriptychError as error:
        assert str(error)  # noqa: PT017 - either outcome is fine, nothing else is
        return
    assert job.id == document(job, NOW)["id"]
