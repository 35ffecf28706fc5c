"""The queue of jobs in SQS: what is sent, what comes again and when."""

import json
import logging

import pytest
from triptych.aws.queue import LONGEST_DELAY

from tests.integration.job_world import JobWorld
from tests.integration.outages import NO_ANSWER, refusing


def send(world: JobWorld, count: int) -> list[str]:
    """Sends messages and receives them; gives their receipts."""
    for number in range(count):
        world.queue.send(str(number))
    received = [message for _ in range(0, count, 10) for message in world.messages()]
    assert count == len(received)
    return [message["ReceiptHandle"] for message in received]


def test_sent(world: JobWorld) -> None:
    """A message arrives as it was sent."""
    text = json.dumps({"a": "ä€😀"}, ensure_ascii=False)
    world.queue.send(text)
    assert [text] == [message["Body"] for message in world.messages()]


def test_held_back(world: JobWorld) -> None:
    """A message with a delay is not there yet."""
    world.queue.send("later", 900)
    assert [] == world.messages()
    counts = world.aws.sqs.get_queue_attributes(QueueUrl=world.queue_url, AttributeNames=["All"])
    assert "1" == counts["Attributes"]["ApproximateNumberOfMessagesDelayed"]


def test_postponed(world: JobWorld) -> None:
    """Those of more than ten messages that are to come at once do; the others do not."""
    receipts = send(world, 25)
    assert [] == world.messages()
    world.queue.postpone({receipt: 0 if number < 12 else 300 for number, receipt in enumerate(receipts)})
    again = world.messages() + world.messages()
    assert {str(number) for number in range(12)} == {message["Body"] for message in again}
    assert {"2"} == {message["Attributes"]["ApproximateReceiveCount"] for message in again}


def test_nothing_to_postpone(world: JobWorld) -> None:
    """Without messages nothing is asked of SQS."""
    with refusing("ChangeMessageVisibilityBatch", "InternalError"):
        world.queue.postpone({})


def test_put_off_for_long(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """No message is put off for longer than SQS takes, counted from its delivery."""
    asked: list[int] = []
    change = world.aws.sqs.change_message_visibility_batch

    def record(**parameters: list[dict[str, int]]) -> object:
        asked.extend(entry["VisibilityTimeout"] for entry in parameters["Entries"])
        return change(**parameters)  # type: ignore[arg-type]  # as they came

    (receipt,) = send(world, 1)
    monkeypatch.setattr(world.aws.sqs, "change_message_visibility_batch", record)
    world.queue.postpone({receipt: 100_000})
    assert [LONGEST_DELAY] == asked
    assert LONGEST_DELAY + 900 == 12 * 3600


@pytest.mark.parametrize(
    ("code", "reason"),
    [("InternalError", "InternalError"), ("AccessDenied", "AccessDenied"), (NO_ANSWER, "timeout")],
)
def test_postponing_fails(world: JobWorld, caplog: pytest.LogCaptureFixture, code: str, reason: str) -> None:
    """Messages that cannot be postponed come when the queue says; the log says why, nothing is raised."""
    (receipt,) = send(world, 1)
    with caplog.at_level(logging.WARNING, "triptych"), refusing("ChangeMessageVisibilityBatch", code):
        world.queue.postpone({receipt: 0})
    assert "messages come again when the queue says" in caplog.text
    assert reason in caplog.text
    assert [] == world.messages()


def test_postponing_fails_for_some(world: JobWorld, caplog: pytest.LogCaptureFixture) -> None:
    """A receipt that is not known any more does not keep the others from being postponed."""
    (receipt,) = send(world, 1)
    with caplog.at_level(logging.WARNING, "triptych"):
        world.queue.postpone({"unknown": 0, receipt: 0})
    assert 1 == caplog.text.count("a message comes again when the queue says")
    assert ["0"] == [message["Body"] for message in world.messages()]
