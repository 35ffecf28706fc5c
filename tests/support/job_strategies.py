"""Records of jobs of every kind, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st
from triptych.jobs.job import FINAL, Job, JobRequest, JobResult, Status
from triptych.lifecycle.record import Failure

MOMENTS = st.integers(0, 10**13 - 1)
"""Milliseconds since 1970, up to the year 2286."""

COUNTS = st.integers(0, 2**40)
TEXTS = st.text(max_size=20)

IDS = st.uuids().map(str)
MODELS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
VERSIONS = st.integers(1, 2**31 - 1)

REQUESTS = st.builds(
    JobRequest,
    content_type=st.none() | TEXTS,
    content_encoding=st.none() | TEXTS,
    header_length=st.none() | COUNTS,
    accept=st.none() | TEXTS,
    join=st.none() | TEXTS,
    outputs=st.none() | TEXTS,
)
ERRORS = st.builds(Failure, type=TEXTS, message=TEXTS, retryable=st.booleans())
RESULTS = st.builds(
    JobResult,
    location=TEXTS.map("s3://results/{}".format),
    content_type=TEXTS,
    header_length=st.none() | COUNTS,
    size=COUNTS,
    version=VERSIONS,
    filled=COUNTS,
)


def jobs(statuses: frozenset[Status] = frozenset(Status)) -> st.SearchStrategy[Job]:
    """Records in any of the states, whether or not a job gets there."""
    return st.builds(
        Job,
        id=IDS,
        model=MODELS,
        version=st.none() | VERSIONS,
        request=REQUESTS,
        digest=st.binary(min_size=32, max_size=32).map(bytes.hex),
        created=MOMENTS,
        expires=MOMENTS,
        input=st.none() | TEXTS.map("s3://inputs/{}".format),
        target=st.none() | TEXTS,
        status=st.sampled_from(sorted(statuses)),
        attempts=COUNTS,
        redrives=COUNTS,
        started=st.none() | MOMENTS,
        ended=st.none() | MOMENTS,
        lease=st.none() | MOMENTS,
        error=st.none() | ERRORS,
        result=st.none() | RESULTS,
        notified=st.booleans(),
        revision=COUNTS,
    )


def ended_jobs() -> st.SearchStrategy[Job]:
    """Records in final states."""
    return jobs(FINAL)
