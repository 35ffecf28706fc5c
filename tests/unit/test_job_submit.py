"""Accepting jobs: once for each key, and never without a message."""

import json

import pytest
from triptych.errors import Conflict, ServiceUnavailable
from triptych.jobs.job import Job, Status
from triptych.jobs.service import MAX_INLINE

from tests.support.unsure_jobs import Lost
from tests.support.workshop import Workshop, sums


def test_every_call_is_a_job_of_its_own(workshop: Workshop) -> None:
    """Without a key, the same input twice is two jobs with a message each."""
    assert workshop.submit(sums()).id != workshop.submit(sums()).id
    assert (2, 2) == (len(workshop.store), len(workshop.queue.sent))
    assert 2 == len(workshop.observer.submitted)


def test_the_same_key_is_the_same_job(workshop: Workshop) -> None:
    """Once it was begun, the key only looks it up."""
    job = workshop.submit(sums(), key="k")
    workshop.work()
    again = workshop.submit(sums(), key="k")
    assert (job.id, Status.SUCCEEDED) == (again.id, again.status)
    assert (1, 1) == (len(workshop.queue.sent), len(workshop.observer.submitted))


def test_the_same_key_sends_what_may_not_have_been_sent(workshop: Workshop) -> None:
    """A call that died between record and message is completed by the next one."""
    job = workshop.submit(sums(), key="k")
    workshop.queue.sent.clear()
    assert job == workshop.submit(sums(), key="k")
    assert [job.id] == [json.loads(text)["id"] for text, _ in workshop.queue.sent]
    workshop.work()
    assert Status.SUCCEEDED is workshop.job(job).status


def test_the_same_key_for_something_else(workshop: Workshop) -> None:
    """It is refused, and the job stays what it was."""
    job = workshop.submit(sums(), key="k")
    with pytest.raises(Conflict, match="the idempotency key was used"):
        workshop.submit(sums(3.0), key="k")
    with pytest.raises(Conflict, match="the idempotency key was used"):
        workshop.submit(sums(), key="k", accept="text/csv")
    assert (job, 1) == (workshop.job(job), len(workshop.queue.sent))


def test_two_calls_with_the_same_key_at_once(workshop: Workshop) -> None:
    """Whose record comes second joins the first, even if the message of the first fails."""
    first = workshop.submit(sums(), key="k")
    workshop.queue.sent.clear()
    records, workshop.store.jobs = workshop.store.jobs, {}

    def send(message: str, delay: int = 0) -> None:
        del message, delay
        workshop.queue.send = real  # type: ignore[method-assign]
        workshop.submit(sums(), key="k")  # the second call, while the first one waits for the queue
        raise ServiceUnavailable("no queue")

    real, workshop.queue.send = workshop.queue.send, send  # type: ignore[method-assign]
    with pytest.raises(ServiceUnavailable):
        workshop.submit(sums(), key="k")
    assert (records.keys(), 1) == (workshop.store.jobs.keys(), len(workshop.queue.sent))
    workshop.work()
    assert Status.SUCCEEDED is workshop.job(first).status


def test_a_record_whose_answer_was_lost(workshop: Workshop) -> None:
    """A write that the client made twice does not hide the job from itself: its message is sent."""
    workshop.store.lost = [Lost.REPEATED]
    job = workshop.submit(sums())
    assert (1, [job.id]) == (len(workshop.queue.sent), list(workshop.store.jobs))


def test_no_record_no_message(workshop: Workshop) -> None:
    """What cannot be written down is not accepted."""
    workshop.store.broken = "no table"
    with pytest.raises(ServiceUnavailable, match="no table"):
        workshop.submit(sums())
    assert [] == workshop.queue.sent


def test_no_message_no_record(workshop: Workshop) -> None:
    """What cannot be sent is not accepted, and leaves no trace."""
    workshop.queue.broken = "no queue"
    with pytest.raises(ServiceUnavailable, match="no queue"):
        workshop.submit(sums())
    assert (0, []) == (len(workshop.store), workshop.observer.submitted)


def test_no_message_but_a_key(workshop: Workshop) -> None:
    """The next call with the key sends what this one could not."""
    workshop.queue.broken = "no queue"
    with pytest.raises(ServiceUnavailable, match="no queue"):
        workshop.submit(sums(), key="k")
    workshop.queue.broken = None
    job = workshop.submit(sums(), key="k")
    workshop.work()
    assert Status.SUCCEEDED is workshop.job(job).status


def test_a_message_that_arrives_although_it_could_not_be_sent(workshop: Workshop) -> None:
    """It makes the record again, and the job ends as any other."""
    job = workshop.submit(sums())
    assert workshop.store.remove(job)
    workshop.work()
    assert (Status.SUCCEEDED, job.created) == (workshop.job(job).status, workshop.job(job).created)


@pytest.mark.parametrize("size", [MAX_INLINE, MAX_INLINE + 1])
def test_large_inputs_do_not_travel(workshop: Workshop, size: int) -> None:
    """What is too large for a message is kept, and the job is the same for it."""
    body = sums().ljust(size)
    job = workshop.submit(body, key="k")
    message = json.loads(workshop.queue.sent[0][0])
    assert (size <= MAX_INLINE) == ("body_base64" in message)
    assert message.get("input") == job.input
    assert job == workshop.submit(body, key="k")
    workshop.work()
    assert Status.SUCCEEDED is workshop.job(job).status


def test_a_lost_race_for_a_key(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks for the key before another call adds its job, is told of that job all the same."""
    workshop.submit(sums(), key="k")
    get, looks = workshop.store.get, iter([True])

    def late(job_id: str) -> Job | None:
        return None if next(looks, False) else get(job_id)

    monkeypatch.setattr(workshop.store, "get", late)
    with pytest.raises(Conflict, match="the idempotency key was used"):
        workshop.submit(sums(9.0), key="k")
    assert 1 == len(workshop.store.jobs)
