"""What the roles of functions let them do, on an emulator that checks it: their work, and nothing else."""

import json
from pathlib import Path

import httpx
import pytest
from numpy.random import default_rng

from local.jobs import Jobs
from local.stack import StackInfo
from tests.e2e.job_requests import Make, digits_binary, penguins_csv, rows_csv
from tests.e2e.probe import Try, probe
from tests.support.answers import alike

PENGUINS = Path(__file__).parents[2] / "layers" / "models" / "penguins" / "1" / "model.onnx"
FOREIGN_BUCKET = "a-bucket-of-somebody-else"


@pytest.fixture(scope="module")
def attempt(guarded_stack: StackInfo) -> Try:
    """A call that is made by a function with the role of the real-time function."""
    return probe(guarded_stack, "RealtimeFunction")


@pytest.fixture(scope="module")
def bucket(guarded_stack: StackInfo) -> str:
    """The model bucket, with a model and something else in it, and a foreign bucket beside it."""
    s3 = guarded_stack.aws().s3()
    name = guarded_stack.outputs["ModelBucket"]
    s3.upload_file(str(PENGUINS), name, "models/stored/1/model.onnx")
    s3.put_object(Bucket=name, Key="secrets/key", Body=b"none of your business")
    s3.create_bucket(Bucket=FOREIGN_BUCKET)
    s3.upload_file(str(PENGUINS), FOREIGN_BUCKET, "models/foreign/1/model.onnx")
    return name


def test_a_stored_model_is_served(guarded_stack: StackInfo, bucket: str) -> None:
    """The role allows all that serving a model from the bucket takes."""
    assert bucket
    headers = {"x-api-key": guarded_stack.api_key}
    with httpx.Client(base_url=guarded_stack.api_url, headers=headers, timeout=60, trust_env=False) as client:
        assert 200 == client.get("/v2/models/stored").status_code
        assert 200 == client.get("/v2/models/penguins").status_code


def test_the_role_lists_and_reads_models(attempt: Try, bucket: str) -> None:
    """Both calls that the function makes are allowed."""
    assert "allowed" == attempt("s3", "list_objects_v2", Bucket=bucket, Prefix="models/")
    assert "allowed" == attempt("s3", "get_object", Bucket=bucket, Key="models/stored/1/model.onnx")


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("put_object", {"Key": "models/stored/2/model.onnx", "Body": "x"}),
        ("delete_object", {"Key": "models/stored/1/model.onnx"}),
        ("get_object", {"Key": "secrets/key"}),
        ("put_bucket_policy", {"Policy": "{}"}),
        ("delete_bucket", {}),
    ],
)
def test_the_role_does_nothing_else_with_its_bucket(
    attempt: Try, bucket: str, operation: str, arguments: dict[str, str]
) -> None:
    """The function cannot change its models, nor read what is not a model."""
    assert "AccessDenied" == attempt("s3", operation, Bucket=bucket, **arguments)


@pytest.mark.parametrize("arguments", [{}, {"Prefix": ""}, {"Prefix": "secrets/"}, {"Prefix": "model"}])
def test_the_role_lists_nothing_but_models(attempt: Try, bucket: str, arguments: dict[str, str]) -> None:
    """The function does not see what else its bucket holds."""
    assert "AccessDenied" == attempt("s3", "list_objects_v2", Bucket=bucket, **arguments)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [("list_objects_v2", {}), ("get_object", {"Key": "models/foreign/1/model.onnx"})],
)
@pytest.mark.usefixtures("bucket")
def test_the_role_reads_no_other_bucket(attempt: Try, operation: str, arguments: dict[str, str]) -> None:
    """Another bucket's models are out of reach."""
    assert "AccessDenied" == attempt("s3", operation, Bucket=FOREIGN_BUCKET, **arguments)


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("s3", "list_buckets"),
        ("dynamodb", "list_tables"),
        ("lambda", "list_functions"),
        ("iam", "list_roles"),
    ],
)
def test_the_role_looks_nowhere_else(attempt: Try, service: str, operation: str) -> None:
    """Services that the function does not use refuse it."""
    assert attempt(service, operation) in {"AccessDenied", "AccessDeniedException"}


@pytest.mark.parametrize("make", [digits_binary, penguins_csv])
def test_jobs_run(guarded_stack: StackInfo, make: Make) -> None:
    """The roles allow all that a job takes, from its message to its result."""
    request = make(default_rng(40))
    with Jobs(guarded_stack) as jobs:
        job = jobs.ended(request.as_job(jobs)["id"])
        assert "succeeded" == job["status"], job
        assert alike(request.in_real_time(jobs), jobs.result(job["id"]))


def test_large_jobs_run(guarded_stack: StackInfo) -> None:
    """The roles allow uploads, claim checks, results by a signed URL, lists and cancelling."""
    with Jobs(guarded_stack) as jobs:
        name = jobs.upload(rows_csv(default_rng(41), 150_000), "text/csv")
        reference = json.dumps({"input": name}).encode()
        uploaded = jobs.ended(jobs.submit("penguins", reference, "application/json")["id"])
        kept = jobs.ended(jobs.submit("penguins", rows_csv(default_rng(42), 20_000), "text/csv")["id"])
        waiting = jobs.submit("penguins", reference, "application/json", delay=900)["id"]
        assert jobs.cancel(waiting)

        assert ("succeeded", "succeeded") == (uploaded["status"], kept["status"]), (uploaded, kept)
        assert 150_001 == len(jobs.result(uploaded["id"]).content.splitlines())
        assert 20_001 == len(jobs.result(kept["id"]).content.splitlines())
        assert {waiting, uploaded["id"], kept["id"]} <= {job["id"] for job in jobs.newest(limit=10)}
