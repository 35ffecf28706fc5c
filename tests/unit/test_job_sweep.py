"""Looking after jobs that nobody else looks after."""

from triptych.clock import Deadline
from triptych.jobs.job import PATIENCE, Status
from triptych.jobs.reaper import Swept

from tests.support.workshop import HOUR, Workshop, sums


def swept(workshop: Workshop, seconds: float = 10) -> Swept:
    """Sweeps."""
    return workshop.reaper.sweep(Deadline.after(seconds))


def test_nothing_to_do(workshop: Workshop) -> None:
    """Jobs that have time left, and those that have ended, are left alone."""
    job, ended = workshop.submit(sums()), workshop.submit(sums())
    workshop.service.cancel(ended.id)
    workshop.clock.advance(HOUR - 1)
    assert Swept(0, 0) == swept(workshop)
    assert (job, ["cancelled"]) == (workshop.job(job), workshop.told(ended))


def test_a_lost_message(workshop: Workshop) -> None:
    """A job that was not started in time expires, and everybody is told."""
    job = workshop.submit(sums())
    workshop.clock.advance(HOUR)
    assert Swept(1, 0) == swept(workshop)
    assert (Status.EXPIRED, ["expired"]) == (workshop.job(job).status, workshop.told(job))
    assert [job.id] == [ended.id for ended in workshop.observer.ended]
    assert Swept(0, 0) == swept(workshop)


def test_an_end_that_was_not_told(workshop: Workshop) -> None:
    """It is told after a while, in which whoever ended it could still do so."""
    job = workshop.submit(sums())
    workshop.notifier.broken = "no topic"
    workshop.service.cancel(job.id)
    workshop.notifier.broken = None
    assert Swept(0, 0) == swept(workshop)
    workshop.clock.advance(PATIENCE / 1000)
    assert Swept(1, 0) == swept(workshop)
    assert (["cancelled"], True) == (workshop.told(job), workshop.job(job).notified)


def test_what_fails_does_not_keep_others_waiting(workshop: Workshop) -> None:
    """All are tried once, however many fail, and the next sweep tries again."""
    jobs = [workshop.submit(sums()) for _ in range(250)]
    workshop.clock.advance(HOUR)
    workshop.notifier.broken = "no topic"
    assert Swept(0, 250) == swept(workshop)
    assert {Status.EXPIRED} == {workshop.job(job).status for job in jobs}
    workshop.notifier.broken = None
    workshop.clock.advance(PATIENCE / 1000)
    assert Swept(250, 0) == swept(workshop)
    assert [["expired"]] * 250 == [workshop.told(job) for job in jobs]


def test_failures_that_stay_in_the_list_do_not_hide_others(workshop: Workshop) -> None:
    """More ends than one listing has cannot be told: all are tried all the same, each once."""
    jobs = [workshop.submit(sums()) for _ in range(250)]
    workshop.notifier.broken = "no topic"
    for job in jobs:
        workshop.service.cancel(job.id)
    workshop.clock.advance(PATIENCE / 1000)
    assert Swept(0, 250) == swept(workshop)
    assert Swept(0, 250) == swept(workshop)


def test_started_meanwhile(workshop: Workshop) -> None:
    """A job that ends between look and write stays as it ended."""
    job = workshop.submit(sums())
    workshop.clock.advance(HOUR)
    workshop.store.between = lambda: workshop.service.get(job.id)
    assert Swept(1, 0) == swept(workshop)
    assert ["expired"] == workshop.told(job)


def test_no_time(workshop: Workshop) -> None:
    """Without time nothing is begun."""
    workshop.submit(sums())
    workshop.clock.advance(HOUR)
    assert Swept(0, 0) == swept(workshop, 0)
