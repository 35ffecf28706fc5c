"""From a message to the record of its job, whoever sent it, and however often it comes."""

import json

import pytest
from triptych.aws.queue import Delivery
from triptych.errors import BadRequest, Conflict, ServiceUnavailable
from triptych.jobs.consumer import Consumer
from triptych.jobs.job import Status

from tests.support.job_fakes import NOW
from tests.support.unsure_jobs import Lost
from tests.support.workshop import DAY, LIMITS, Workshop, sums

FIRST, SECOND = "7d0c1b1e-0f3e-4a53-8a8c-2f5f6a0d9b11", "c5a3c6b8-6c9e-4b1a-8d9f-1b2c3d4e5f60"
REQUEST = {"model": "adder", "request": json.loads(sums())}


def delivery(message: object, message_id: str = FIRST) -> Delivery:
    """Delivers a message of a producer."""
    text = message if isinstance(message, str) else json.dumps(message)
    return Delivery(message_id, text, f"{message_id}/1", 1, NOW)


def test_a_message_becomes_a_job(workshop: Workshop) -> None:
    """Its record is made with the first delivery, and is the same with the next."""
    first = workshop.consumer.receive(delivery(REQUEST))
    workshop.clock.advance(10)
    again = workshop.consumer.receive(delivery(REQUEST))
    assert (first.job, None) == (again.job, again.error)
    assert [first.job] == list(workshop.store)
    assert (Status.QUEUED, first.job.created + 1000 * DAY) == (first.job.status, first.job.expires)


def test_without_token_each_message_is_a_job(workshop: Workshop) -> None:
    """Whatever it asks for."""
    jobs = {workshop.consumer.receive(delivery(REQUEST, message_id)).job.id for message_id in (FIRST, SECOND)}
    assert 2 == len(jobs)


def test_the_same_token_is_the_same_job(workshop: Workshop) -> None:
    """Two messages with the same token and request are run once, and both are done."""
    message = {**REQUEST, "client_token": "t"}
    outcomes = workshop.work([delivery(message, FIRST), delivery(message, SECOND)])
    assert {FIRST: None, SECOND: None} == outcomes
    assert [Status.SUCCEEDED] == [job.status for job in workshop.store]
    assert 1 == len(workshop.observer.runs)


def test_the_same_token_for_something_else(workshop: Workshop) -> None:
    """It is a failed job of its own: the first one goes on."""
    workshop.consumer.receive(delivery({**REQUEST, "client_token": "t"}, FIRST))
    arrival = workshop.consumer.receive(delivery({**REQUEST, "client_token": "t", "join": "all"}, SECOND))
    assert isinstance(arrival.error, Conflict)
    assert 2 == len(workshop.store)


@pytest.mark.parametrize(
    "message",
    [
        "nonsense",
        "{}",
        "[]",
        {**REQUEST, "body": "x"},
        {"model": "../x", "body": "x"},
        {**REQUEST, "extra": 1},
    ],
)
def test_what_cannot_be_read(workshop: Workshop, message: object) -> None:
    """It is a failed job that keeps what was sent: nothing is dropped silently."""
    outcomes = [workshop.work([delivery(message)]) for _ in range(2)]
    assert [{FIRST: None}] * 2 == outcomes
    (job,) = workshop.store
    assert job.error is not None
    assert (Status.FAILED, False, ["failed"]) == (job.status, job.error.retryable, workshop.told(job))
    assert delivery(message).body.encode() == workshop.inputs.objects[job.input or ""].body


def test_an_input_that_is_kept(workshop: Workshop) -> None:
    """A message may name an input instead."""
    location = workshop.inputs.keep("s3://inputs-bucket/folder/key", sums())
    workshop.work([delivery({"model": "adder", "input": location})])
    assert [Status.SUCCEEDED] == [job.status for job in workshop.store]


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("s3://elsewhere/key", "expected an uploaded key"),
        ("s3://inputs-bucket/nothing", "there is nothing at"),
    ],
)
def test_an_input_that_is_not_taken(workshop: Workshop, location: str, error: str) -> None:
    """The job fails."""
    workshop.work([delivery({"model": "adder", "input": location})])
    (job,) = workshop.store
    assert job.error is not None
    assert (Status.FAILED, False) == (job.status, job.error.retryable)
    assert error in job.error.message


def test_a_record_made_by_somebody_else_meanwhile(workshop: Workshop) -> None:
    """Whoever's write came second takes what the first made; a lost answer is such a case too."""
    workshop.store.lost = [Lost.REPEATED]
    arrival = workshop.consumer.receive(delivery(REQUEST))
    assert [arrival.job] == list(workshop.store)


def test_the_table_cannot_be_reached(workshop: Workshop) -> None:
    """The message is not taken for unreadable: it comes again."""
    workshop.store.broken = "no table"
    with pytest.raises(ServiceUnavailable):
        workshop.consumer.receive(delivery(REQUEST))
    workshop.store.broken = None
    assert {FIRST: None} == workshop.work([delivery(REQUEST)])


def test_our_own_message_finds_its_job(workshop: Workshop) -> None:
    """It makes none of its own, and tells how often the job had been redriven."""
    job = workshop.submit(sums())
    workshop.give_up()
    workshop.service.redrive(job.id, DAY)
    arrivals = [workshop.consumer.receive(found) for found in workshop.queue.deliveries()]
    assert [(job.id, 0), (job.id, 1)] == [(arrival.job.id, arrival.redrives) for arrival in arrivals]


@pytest.mark.parametrize("claim", [{"id": FIRST}, {"redrives": 1}, {"created": 1}, {"expires": 1}])
def test_what_only_the_api_writes(workshop: Workshop, claim: dict[str, object]) -> None:
    """A producer cannot pass for the API: the message cannot be read."""
    arrival = workshop.consumer.receive(delivery({**REQUEST, **claim}))
    assert isinstance(arrival.error, BadRequest)
    assert [arrival.job.id] == [job.id for job in workshop.store]


@pytest.mark.parametrize(("receives", "longest"), [(1, 10), (2, 20), (4, 80), (7, 640), (8, 900), (50, 900)])
def test_waits_grow_and_are_spread(workshop: Workshop, receives: int, longest: int) -> None:
    """Each wait is twice as long as the one before, up to a quarter of an hour, and never less than half."""
    consumer = Consumer(workshop.storage, workshop.queue, LIMITS, 10, workshop.clock)
    again = delivery(REQUEST)._replace(receives=receives)
    waits = {consumer.retry_delay(again) for _ in range(200)}
    assert (longest + 1) // 2 <= min(waits) < max(waits) <= longest
