"""Notifications: one to the topic, one to the bus, with what subscribers filter by."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from triptych.aws.notifications import MAX_ENDS
from triptych.errors import ServiceUnavailable
from triptych.jobs.document import notification
from triptych.jobs.job import Job, JobRequest, JobResult, Status
from triptych.lifecycle.record import Failure
from triptych.protocol.json_document import dump

from tests.integration.job_world import REGION, JobWorld
from tests.integration.outages import refusing
from tests.support.job_strategies import ended_jobs

ID = "00000000-0000-4000-8000-000000000001"
ENDED = Job(ID, "digits", None, JobRequest(), "digest", 1, 2, target="nightly", ended=3)
SUCCEEDED = ENDED._replace(
    status=Status.SUCCEEDED, result=JobResult(f"s3://results/results/{ID}/0", "text/csv", None, 5, 1)
)
FAILED = ENDED._replace(status=Status.FAILED, error=Failure("BadRequest", "it is wrong", retryable=False))


def told(world: JobWorld, job: Job) -> tuple[dict[str, Any], dict[str, Any]]:
    """Publishes the end of a job; gives what the topic and the bus delivered."""
    world.notifier.publish([job])
    heard = world.heard()
    (message,) = (found for found in heard if "Message" in found)
    (event,) = (found for found in heard if "detail" in found)
    return message, event


@pytest.mark.parametrize(
    "job", [SUCCEEDED, FAILED, ENDED._replace(status=Status.CANCELLED), ENDED._replace(status=Status.EXPIRED)]
)
def test_both_are_told(world: JobWorld, job: Job) -> None:
    """The topic and the bus tell the same, under the state of the job."""
    message, event = told(world, job)
    expected = json.loads(dump(notification(job, REGION)))
    assert expected == json.loads(message["Message"]) == event["detail"]
    assert f"Job {job.status}: digits" == message["Subject"]
    assert ("triptych.jobs", f"Job {job.status}") == (event["source"], event["detail-type"])


def test_filters(world: JobWorld) -> None:
    """Subscribers can choose by state, model and target; a job without target has no such attribute."""
    attributes = told(world, FAILED)[0]["MessageAttributes"]
    expected = {"status": "failed", "model": "digits", "target": "nightly"}
    assert expected == {name: attribute["Value"] for name, attribute in attributes.items()}
    assert {"String"} == {attribute["Type"] for attribute in attributes.values()}
    untargeted = told(world, SUCCEEDED._replace(target=None))[0]
    assert {"status", "model"} == untargeted["MessageAttributes"].keys()


def test_long_names(world: JobWorld) -> None:
    """A subject is never longer than SNS takes."""
    assert 100 == len(told(world, SUCCEEDED._replace(model="m" * 128))[0]["Subject"])


@pytest.mark.parametrize(
    ("operation", "what"), [("PublishBatch", "the topic of jobs"), ("PutEvents", "the event bus")]
)
def test_unreachable(world: JobWorld, operation: str, what: str) -> None:
    """When one of them may not have been told, it is said."""
    notifier = world.notifier
    with (
        refusing(operation, "InternalError"),
        pytest.raises(ServiceUnavailable, match=f"{what} cannot be reached: it answers InternalError"),
    ):
        notifier.publish([SUCCEEDED])


def test_event_that_is_not_taken(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bus can answer well and refuse the event: that is a failure, too."""
    answer = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
    notifier = world.notifier
    monkeypatch.setattr(world.aws.events, "put_events", lambda **_: answer)
    with pytest.raises(ServiceUnavailable, match="the event bus cannot be reached"):
        notifier.publish([SUCCEEDED])


def test_ten_at_once(world: JobWorld) -> None:
    """Each end is a notification of its own to the topic and to the bus."""
    jobs = [SUCCEEDED._replace(id=f"{ID[:-1]}{number}") for number in range(MAX_ENDS)]
    world.notifier.publish(jobs)
    heard = [*world.heard(), *world.heard()]
    ids = {job.id for job in jobs}
    assert ids == {json.loads(found["Message"])["inferenceId"] for found in heard if "Message" in found}
    assert ids == {found["detail"]["inferenceId"] for found in heard if "detail" in found}


def test_message_that_is_not_taken(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The topic can accept some messages and refuse others: that is a failure, too."""
    answer = {"Successful": [], "Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}
    notifier = world.notifier
    monkeypatch.setattr(world.aws.sns, "publish_batch", lambda **_: answer)
    with pytest.raises(ServiceUnavailable, match="the topic of jobs cannot be reached"):
        notifier.publish([SUCCEEDED])


@given(job=ended_jobs())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_job(world: JobWorld, job: Job) -> None:
    """How any job ended can be told."""
    told(world, job._replace(target=job.target or None))
