"""The entry of functions that SQS triggers: which messages are reported, and what else is done with them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from triptych.aws.consumer import SAFETY_MARGIN, SqsTrigger
from triptych.aws.queue import Delivery, Outcomes
from triptych.clock import Deadline
from triptych.jobs.telemetry import JobTelemetry

from tests.support.job_fakes import MemoryQueue

FATES = st.none() | st.integers(0, 43_200)


class Invocation:
    """Lambda's context."""

    aws_request_id = "the-invocation"

    def get_remaining_time_in_millis(self) -> int:
        """Ten seconds are left."""
        return 10_000


@dataclass
class Watch(JobTelemetry):
    """An observer that remembers.

    Attributes:
        begun: Ids of invocations.
        failures: What failed unexpectedly.
    """

    begun: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def request_started(self, request_id: str) -> None:
        """An invocation began."""
        self.begun.append(request_id)

    def unexpected(self, error: Exception) -> None:
        """Something failed that should not."""
        self.failures.append(error)


@dataclass
class Worker:
    """What deals with messages: as it is told.

    Attributes:
        outcomes: What becomes of them; an error to raise.
        seen: What it was given.
        remaining: Seconds that it had.
    """

    outcomes: Outcomes | Exception
    seen: list[Delivery] = field(default_factory=list)
    remaining: float = 0

    def __call__(self, deliveries: Sequence[Delivery], deadline: Deadline) -> Outcomes:
        """Deals with messages."""
        self.seen += deliveries
        self.remaining = deadline.remaining
        if isinstance(self.outcomes, Exception):
            raise self.outcomes
        return self.outcomes


def record(message_id: str, receives: int = 1) -> dict[str, Any]:
    """A message in an event."""
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt of {message_id}",
        "body": json.dumps({"message": message_id}),
        "attributes": {"ApproximateReceiveCount": str(receives), "SentTimestamp": "1767225600000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:jobs",
        "awsRegion": "us-east-1",
    }


def failed(trigger: SqsTrigger, *ids: str) -> list[str]:
    """Ids of the messages that are reported as failed."""
    answer: Any = trigger({"Records": [record(message_id) for message_id in ids]}, Invocation())
    assert ["batchItemFailures"] == list(answer)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_what_is_handed_over() -> None:
    """Messages are handed over with what SQS knows of them, and the time that is left without the margin."""
    worker, watch = Worker({"a": None}), Watch()
    SqsTrigger(worker, MemoryQueue(), watch)({"Records": [record("a", receives=3)]}, Invocation())
    assert [Delivery("a", '{"message": "a"}', "receipt of a", 3, 1_767_225_600_000)] == worker.seen
    assert 10 - SAFETY_MARGIN - 1 < worker.remaining <= 10 - SAFETY_MARGIN
    assert (["the-invocation"], []) == (watch.begun, watch.failures)


def test_partial_response() -> None:
    """Messages that are done are not reported; those that come again are, and when they come is said."""
    queue = MemoryQueue()
    trigger = SqsTrigger(Worker({"a": None, "b": 30, "c": None, "d": 0}), queue, Watch())
    assert ["b", "d"] == failed(trigger, "a", "b", "c", "d")
    assert {"receipt of b": 30, "receipt of d": 0} == queue.postponed


def test_forgotten_message() -> None:
    """A message that nobody says anything about comes again, when the queue says."""
    queue = MemoryQueue()
    assert ["b"] == failed(SqsTrigger(Worker({"a": None}), queue, Watch()), "a", "b")
    assert {} == queue.postponed


def test_unknown_message() -> None:
    """An id that is not of the event is never reported: it would make Lambda repeat the whole batch."""
    queue = MemoryQueue()
    assert [] == failed(SqsTrigger(Worker({"a": None, "x": 5}), queue, Watch()), "a")
    assert {} == queue.postponed


def test_all_come_again() -> None:
    """That all messages come again is an answer, not a failure of the function."""
    assert ["a", "b"] == failed(SqsTrigger(Worker({"a": 1, "b": 2}), MemoryQueue(), Watch()), "a", "b")


@pytest.mark.parametrize("error", [LookupError("broken"), MemoryError()])
def test_worker_fails(error: Exception) -> None:
    """When the worker itself fails, all messages come again, and the log tells why."""
    watch = Watch()
    assert ["a", "b"] == failed(SqsTrigger(Worker(error), MemoryQueue(), watch), "a", "b")
    assert [error] == watch.failures


def test_nothing_is_carried_over() -> None:
    """An invocation reports messages of its own event only."""
    worker = Worker({"a": 1, "b": None})
    trigger = SqsTrigger(worker, MemoryQueue(), Watch())
    assert (["a"], [], ["a"]) == (failed(trigger, "a"), failed(trigger, "b"), failed(trigger, "a", "b"))


@given(st.dictionaries(st.uuids().map(str), FATES, min_size=1), st.dictionaries(st.uuids().map(str), FATES))
def test_any_outcomes(expected: dict[str, int | None], others: dict[str, int | None]) -> None:
    """Whatever the outcomes are, exactly the messages that are not done are reported, in their order."""
    queue = MemoryQueue()
    reported = failed(SqsTrigger(Worker({**others, **expected}), queue, Watch()), *expected)
    again = {message_id: fate for message_id, fate in expected.items() if fate is not None}
    assert list(again) == reported
    assert {f"receipt of {message_id}": fate for message_id, fate in again.items()} == queue.postponed
