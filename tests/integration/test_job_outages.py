"""What jobs stand on refuses, or does not answer: it is told by its kind, without names."""

from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir

import pytest
from triptych.aws.clients import AwsClients
from triptych.aws.queue import Queue
from triptych.errors import ServiceUnavailable
from triptych.jobs.inputs import InputStore, StoredInput
from triptych.jobs.job import Job, JobRequest, JobResult
from triptych.jobs.results import ResultStore
from triptych.jobs.store import JobStore

from tests.integration.job_world import INPUTS, RESULTS, JobWorld
from tests.integration.outages import NO_ANSWER, refusing

ID = "00000000-0000-4000-8000-000000000001"
JOB = Job(ID, "digits", None, JobRequest(), "digest", 1, 2)
RESULT = JobResult(f"s3://{RESULTS}/results/{ID}/0", "text/csv", None, 1, 1)
INPUT = StoredInput(f"s3://{INPUTS}/inputs/{ID}", 1, '"tag"', None, None, None)

type Call = Callable[[JobWorld], object]
CALLS: dict[str, tuple[str, str, Call]] = {
    "get": ("GetItem", "the table of jobs", lambda world: world.jobs.get(ID)),
    "add": ("PutItem", "the table of jobs", lambda world: world.jobs.add(JOB)),
    "replace": ("PutItem", "the table of jobs", lambda world: world.jobs.replace(JOB)),
    "remove": ("DeleteItem", "the table of jobs", lambda world: world.jobs.remove(JOB)),
    "newest": (
        "Query",
        "the table of jobs",
        lambda world: world.jobs.newest(model="digits", after=None, limit=1),
    ),
    "unattended": ("Query", "the table of jobs", lambda world: world.jobs.unattended(1, 1)),
    "put input": ("PutObject", "the store of inputs", lambda world: world.inputs.put(ID, b"")),
    "fetch": ("GetObject", "the store of inputs", lambda world: world.inputs.fetch(INPUT.location, 1)),
    "download": (
        "GetObject",
        "the store of inputs",
        lambda world: world.inputs.download(INPUT, Path(gettempdir(), "input")),
    ),
    "put result": ("PutObject", "the store of results", lambda world: world.results.put(JOB, b"", RESULT)),
    "read": ("GetObject", "the store of results", lambda world: world.results.read(RESULT)),
    "delete": ("DeleteObject", "the store of results", lambda world: world.results.delete(JOB)),
    "send": ("SendMessage", "the queue of jobs", lambda world: world.queue.send("{}")),
}
KINDS = {
    "ThrottlingException": "it asks for fewer requests",
    "ExpiredTokenException": "access to it is denied",
    "InternalServerError": "it answers InternalServerError",
    NO_ANSWER: "it does not answer in time",
}


@pytest.mark.parametrize("code", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_outages(world: JobWorld, name: str, code: str, caplog: pytest.LogCaptureFixture) -> None:
    """Every failure is one of the service, may pass, and is told to callers without a name of ours."""
    operation, what, call = CALLS[name]
    with refusing(operation, code), pytest.raises(ServiceUnavailable) as caught:
        call(world)
    assert (f"{what} cannot be reached: {KINDS[code]}", True) == (str(caught.value), caught.value.retryable)
    assert "secret-name" in caplog.text


def test_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function without credentials says so, also where it only signs."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    clients = AwsClients()
    for call in (
        lambda: JobStore(clients, "jobs", 1).get(ID),
        lambda: InputStore(clients, INPUTS).put(ID, b""),
        lambda: ResultStore(clients, RESULTS).url(RESULT),
        lambda: Queue(clients, "https://sqs.us-east-1.amazonaws.com/1/jobs").send("{}"),
    ):
        with pytest.raises(ServiceUnavailable, match="there are no credentials for it"):
            call()


def test_clients_are_made_when_needed(aws: None) -> None:  # noqa: ARG001 - it is asked
    """Each client is made once, and only what a request needs is made."""
    clients = AwsClients()
    assert {"_session"} == vars(clients).keys()
    assert clients.sqs is clients.sqs
    assert {"_session", "sqs"} == vars(clients).keys()
