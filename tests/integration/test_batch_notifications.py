"""Notifications of batches: the same to the topic and the bus, under the state."""

import json
from typing import Any

import pytest
from triptych.batches.batch import Batch, BatchSource, Status
from triptych.batches.document import notification
from triptych.errors import ServiceUnavailable
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure
from triptych.protocol.json_document import dump
from triptych.rows.options import BatchOptions

from tests.integration.job_world import REGION, JobWorld
from tests.integration.outages import refusing

NOW = 1_767_225_600_000
ENDED = Batch(
    "id", "digits", None, BatchSource(prefix="digits/"), BatchOptions(), NOW, "nightly", ended=NOW + 1
)
FAILED = ENDED._replace(status=Status.FAILED, error=Failure("BadRequest", "it is wrong", retryable=False))


def told(world: JobWorld, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
    """Publishes the end of a batch; gives what the topic and the bus delivered."""
    world.batch_notifier.publish([batch])
    heard = world.heard()
    (message,) = (found for found in heard if "Message" in found)
    (event,) = (found for found in heard if "detail" in found)
    return message, event


@pytest.mark.parametrize(
    ("batch", "kind"),
    [
        (ENDED._replace(status=Status.SUCCEEDED), "Batch succeeded"),
        (ENDED._replace(status=Status.SUCCEEDED_WITH_ERRORS), "Batch succeeded with errors"),
        (FAILED, "Batch failed"),
        (ENDED._replace(status=Status.CANCELLED), "Batch cancelled"),
    ],
)
def test_both_are_told(world: JobWorld, batch: Batch, kind: str) -> None:
    """The topic and the bus tell the same, under the state of the batch."""
    message, event = told(world, batch)
    expected = json.loads(dump(notification(batch, REGION)))
    assert expected == json.loads(message["Message"]) == event["detail"]
    assert (f"{kind}: digits", "triptych.batches", kind) == (
        message["Subject"],
        event["source"],
        event["detail-type"],
    )
    assert {"status": batch.status.value, "model": "digits", "target": "nightly"} == {
        name: attribute["Value"] for name, attribute in message["MessageAttributes"].items()
    }


def test_several_models(world: JobWorld) -> None:
    """A batch whose files name their models is told without one."""
    message, _ = told(world, ENDED._replace(model=None, target=None, status=Status.CANCELLED))
    assert ("Batch cancelled", {"status"}) == (message["Subject"], message["MessageAttributes"].keys())


def test_what_is_told() -> None:
    """Who listens learns what became of the batch, and why it failed."""
    batch = FAILED._replace(files=1, failed_files=1, counts=Counts(2, 0, 2))
    heard = notification(batch, REGION)
    assert ("id", "failed", "it is wrong") == (heard["batchId"], heard["batchStatus"], heard["failureReason"])
    assert ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z") == (
        heard["receivedTime"],
        heard["eventTime"],
    )


def test_unreachable(world: JobWorld) -> None:
    """When the topic may not have been told, it is said."""
    notifier = world.batch_notifier
    message = "the topic of batches cannot be reached"
    with refusing("PublishBatch", "InternalError"), pytest.raises(ServiceUnavailable, match=message):
        notifier.publish([ENDED])
