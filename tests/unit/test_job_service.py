"""What callers do with jobs: look, wait, cancel, queue again."""

import threading
import time

import pytest
from triptych.clock import Deadline
from triptych.errors import Conflict, NotFound, ServiceUnavailable
from triptych.jobs.job import Job, Status

from tests.support.unsure_jobs import Lost
from tests.support.workshop import HOUR, Workshop, entries, sums


def given_up(workshop: Workshop) -> Job:
    """Makes a job that failed for a reason that may be gone."""
    job = workshop.submit(sums())
    workshop.give_up()
    return workshop.job(job)


def test_looking(workshop: Workshop) -> None:
    """A job is shown as its record is."""
    job = workshop.submit(sums())
    assert job == workshop.service.get(job.id)


@pytest.mark.parametrize("job_id", ["nonsense", "00000000-0000-0000-0000-000000000000", ""])
def test_looking_at_nothing(workshop: Workshop, job_id: str) -> None:
    """There is no such job."""
    with pytest.raises(NotFound, match="there is no job"):
        workshop.service.get(job_id)


def test_looking_too_late(workshop: Workshop) -> None:
    """A job that was not started in time has expired for whoever looks, and everybody is told."""
    job = workshop.submit(sums())
    workshop.clock.advance(HOUR)
    assert Status.EXPIRED is workshop.service.get(job.id).status
    assert (Status.EXPIRED, ["expired"]) == (workshop.job(job).status, workshop.told(job))


def test_looking_too_late_at_a_running_job(workshop: Workshop) -> None:
    """Whoever began it in time may end it."""
    job = workshop.submit(sums())
    seen: list[Job] = []
    workshop.clock.advance(HOUR - 1)

    def look(_: object) -> None:
        workshop.clock.advance(2)
        seen.append(workshop.service.get(job.id))

    workshop.hooks.before = [look]
    workshop.work()
    assert ([Status.RUNNING], Status.SUCCEEDED) == (
        [found.status for found in seen],
        workshop.job(job).status,
    )


def test_two_look_too_late(workshop: Workshop) -> None:
    """Both are told the same."""
    job = workshop.submit(sums())
    workshop.clock.advance(HOUR)
    workshop.store.between = lambda: workshop.service.get(job.id)
    assert Status.EXPIRED is workshop.service.get(job.id).status
    assert ["expired"] == workshop.told(job)


def test_waiting(workshop: Workshop) -> None:
    """The answer comes when the job ends, long before the time is over."""
    job = workshop.submit(sums())
    timer = threading.Timer(0.15, workshop.work)
    timer.start()
    started = time.monotonic()
    assert Status.SUCCEEDED is workshop.service.wait(job.id, 20, Deadline.after(20)).status
    assert time.monotonic() - started < 10
    timer.join()


@pytest.mark.parametrize(("seconds", "left"), [(0.2, 20.0), (20.0, 0.2)])
def test_waiting_in_vain(workshop: Workshop, seconds: float, left: float) -> None:
    """When the time of the caller or of the function is over, the job is shown as it is."""
    job = workshop.submit(sums())
    started = time.monotonic()
    assert Status.QUEUED is workshop.service.wait(job.id, seconds, Deadline.after(left)).status
    assert 0.2 <= time.monotonic() - started < 10


def test_cancelling(workshop: Workshop) -> None:
    """A job that was cancelled stays so, however often, and is told once."""
    job = workshop.submit(sums())
    assert Status.CANCELLED is workshop.service.cancel(job.id).status
    assert Status.CANCELLED is workshop.service.cancel(job.id).status
    assert (["cancelled"], 1) == (workshop.told(job), len(workshop.observer.ended))


def test_two_cancel_at_once(workshop: Workshop) -> None:
    """Both get what they want."""
    job = workshop.submit(sums())
    workshop.store.between = lambda: workshop.service.cancel(job.id)
    assert Status.CANCELLED is workshop.service.cancel(job.id).status
    assert ["cancelled"] == workshop.told(job)


def test_cancelling_too_late(workshop: Workshop) -> None:
    """What has ended otherwise stays as it is, result included."""
    job = workshop.submit(sums())
    workshop.work()
    with pytest.raises(Conflict, match="is succeeded: it cannot be cancelled"):
        workshop.service.cancel(job.id)
    assert (Status.SUCCEEDED, 1) == (workshop.job(job).status, len(workshop.results))


def test_cancelled_but_not_told(workshop: Workshop) -> None:
    """The caller has what was asked for; the rest is noted, and the sweep does it."""
    job = workshop.submit(sums())
    workshop.notifier.broken = "no topic"
    assert Status.CANCELLED is workshop.service.cancel(job.id).status
    assert ["no topic"] == [str(error) for error in workshop.observer.failures]
    workshop.notifier.broken = None
    workshop.clock.advance(60)
    workshop.reaper.sweep(Deadline.after(10))
    assert ["cancelled"] == workshop.told(job)


def test_redriving(workshop: Workshop) -> None:
    """A job that was given up is as new, but for its number."""
    job = given_up(workshop)
    workshop.clock.advance(10)
    again = workshop.service.redrive(job.id, 100)
    assert (Status.QUEUED, 1, 0, None) == (again.status, again.redrives, again.attempts, again.error)
    assert (workshop.clock() + 100_000, job.created) == (again.expires, again.created)
    workshop.work()
    assert ["failed", "succeeded"] == workshop.told(job)


def test_redriving_what_would_fail_again(workshop: Workshop) -> None:
    """It is refused, with the reason; so is what has not failed."""
    bad, waiting = workshop.submit(entries(7), "lookup"), workshop.submit(sums())
    workshop.work(workshop.deliveries()[:1])
    with pytest.raises(Conflict, match=r"would fail again: .*cannot run"):
        workshop.service.redrive(bad.id, HOUR)
    with pytest.raises(Conflict, match="is queued: it cannot be redriven"):
        workshop.service.redrive(waiting.id, HOUR)


def test_redriving_before_the_failure_was_told(workshop: Workshop) -> None:
    """It is told first, while it is true; if that fails, the job stays as it is."""
    job = workshop.submit(sums())
    workshop.notifier.broken = "no topic"
    workshop.give_up()
    with pytest.raises(ServiceUnavailable):
        workshop.service.redrive(job.id, HOUR)
    assert Status.FAILED is workshop.job(job).status
    workshop.notifier.broken = None
    workshop.service.redrive(job.id, HOUR)
    assert (["failed"], Status.QUEUED) == (workshop.told(job), workshop.job(job).status)


def test_redriving_without_a_queue(workshop: Workshop) -> None:
    """The job has failed as before, and may be redriven again."""
    job = given_up(workshop)
    workshop.queue.broken = "no queue"
    with pytest.raises(ServiceUnavailable, match="no queue"):
        workshop.service.redrive(job.id, HOUR)
    assert (Status.FAILED, job.error) == (workshop.job(job).status, workshop.job(job).error)
    workshop.queue.broken = None
    workshop.service.redrive(job.id, HOUR)
    workshop.work()
    assert Status.SUCCEEDED is workshop.job(job).status


def test_redriving_ended_before_the_message_was_sent(workshop: Workshop) -> None:
    """The call is made again, and sends it; once the job is begun, it is refused."""
    job = given_up(workshop)
    workshop.service.redrive(job.id, HOUR)
    workshop.queue.sent.pop()
    assert 1 == workshop.service.redrive(job.id, HOUR).redrives
    workshop.work()
    assert Status.SUCCEEDED is workshop.job(job).status
    with pytest.raises(Conflict, match="is succeeded: it cannot be redriven"):
        workshop.service.redrive(job.id, HOUR)


@pytest.mark.parametrize("answer", list(Lost))
def test_redriving_with_a_lost_answer(workshop: Workshop, answer: Lost) -> None:
    """Made again at the latest, it sends the message."""
    job = given_up(workshop)
    workshop.store.lost = [answer]
    if answer is Lost.FAILED:
        with pytest.raises(ServiceUnavailable):
            workshop.service.redrive(job.id, HOUR)
    workshop.service.redrive(job.id, HOUR)
    workshop.work()
    assert (Status.SUCCEEDED, 1) == (workshop.job(job).status, workshop.job(job).redrives)


def test_listing(workshop: Workshop) -> None:
    """Jobs are listed newest first, page by page."""
    jobs = []
    for number in range(5):
        jobs.append(workshop.submit(sums(), "adder" if number % 2 else "lookup").id)
        workshop.clock.advance(1)
    page = workshop.service.newest(model=None, status=None, after=None, limit=3)
    rest = workshop.service.newest(model=None, status=None, after=page.next, limit=3)
    assert (jobs[::-1], None) == ([job.id for job in (*page.records, *rest.records)], rest.next)
    adders = workshop.service.newest(model="adder", status=None, after=None, limit=3)
    assert [jobs[3], jobs[1]] == [job.id for job in adders.records]


def test_listing_by_state(workshop: Workshop) -> None:
    """Only jobs in the state are listed, all of them over all pages; the overdue have expired."""
    jobs = [workshop.submit(sums()).id for _ in range(250)]
    for job_id in jobs[::50]:
        workshop.service.cancel(job_id)
    found: list[str] = []
    after: str | None = None
    while True:
        page = workshop.service.newest(model=None, status=Status.CANCELLED, after=after, limit=2)
        found += [job.id for job in page.records]
        after = page.next
        if after is None:
            break
    assert sorted(jobs[::50]) == sorted(found)
    workshop.clock.advance(HOUR)
    assert 100 == len(
        workshop.service.newest(model=None, status=Status.EXPIRED, after=None, limit=100).records
    )
    assert [] == workshop.service.newest(model=None, status=Status.QUEUED, after=None, limit=100).records
