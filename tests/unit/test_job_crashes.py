"""Workers that end in the middle of a batch: nothing is lost, and innocents finish."""

from collections.abc import Mapping
from typing import NoReturn

import pytest
from triptych.jobs.job import Job, Status
from triptych.protocol.tensors import Tensor

from tests.support.unsure_jobs import Lost
from tests.support.workshop import SECONDS, Workshop, sums

DEADLY = 666.0
RECEIVES = 5
"""How often the queue delivers a message before it gives up."""


class Crash(BaseException):
    """The end of a process."""


def deadly(inputs: Mapping[str, Tensor]) -> None:
    """Ends the process of who runs a certain value."""
    if (inputs["a"].values == DEADLY).any():
        raise Crash


def crash(*_: object) -> NoReturn:
    """Ends the process."""
    raise Crash


def work_on(workshop: Workshop) -> int:
    """Delivers what is not done until the queue gives up; returns how many workers ended."""
    crashes = 0
    for _ in range(RECEIVES):
        try:
            workshop.work()
        except Crash:
            crashes += 1
        workshop.clock.advance(SECONDS + 5)
    workshop.give_up()
    return crashes


def states(workshop: Workshop, jobs: list[Job]) -> set[Status]:
    """Returns the states of jobs."""
    return {workshop.job(job).status for job in jobs}


@pytest.mark.parametrize("position", [0, 3, 7])
def test_a_poison(workshop: Workshop, position: int) -> None:
    """A job that ends its workers fails with the reason, and takes nobody with it."""
    workshop.hooks.before = [deadly]
    jobs = [workshop.submit(sums(DEADLY if number == position else 1.0)) for number in range(8)]
    poison = jobs.pop(position)
    assert RECEIVES == work_on(workshop)
    assert {Status.SUCCEEDED} == states(workshop, jobs)
    error = workshop.job(poison).error
    assert error is not None
    assert ("WorkerEnded", True) == (error.type, error.retryable)
    assert "each ended its worker" in error.message
    assert ["failed"] == workshop.told(poison)
    # Its message came again once the worker had ended, and the record tells the deliveries after that.
    assert ["succeeded", "succeeded"] == workshop.told(jobs[0])
    assert [] == workshop.deliveries()


def test_two_poisons(workshop: Workshop) -> None:
    """Those that were tried least often go first: no poison hides behind another."""
    workshop.hooks.before = [deadly]
    poisons = [workshop.submit(sums(DEADLY)) for _ in range(2)]
    jobs = [workshop.submit(sums()) for _ in range(3)]
    work_on(workshop)
    assert {Status.SUCCEEDED} == states(workshop, jobs)
    assert {Status.FAILED} == states(workshop, poisons)


def test_new_messages_go_before_possible_poison(workshop: Workshop) -> None:
    """They are done before the possible poison message ends the worker again."""
    workshop.hooks.before = [deadly]
    workshop.submit(sums(DEADLY))
    with pytest.raises(Crash):
        workshop.work()
    workshop.clock.advance(SECONDS + 5)
    job = workshop.submit(sums())
    with pytest.raises(Crash):
        workshop.work()
    assert (Status.SUCCEEDED, 1) == (workshop.job(job).status, workshop.job(job).attempts)


def test_a_poison_is_redriven(workshop: Workshop) -> None:
    """Once what made it deadly is gone, it succeeds with the input that was kept."""
    workshop.hooks.before = [deadly]
    job = workshop.submit(sums(DEADLY))
    work_on(workshop)
    workshop.hooks.before = []
    workshop.service.redrive(job.id, 3600)
    workshop.work()
    assert (Status.SUCCEEDED, 1, 1) == (
        workshop.job(job).status,
        workshop.job(job).redrives,
        workshop.job(job).attempts,
    )
    assert ["failed", "succeeded"] == workshop.told(job)


@pytest.mark.parametrize("service", ["results", "notifier"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_at_the_end(workshop: Workshop, service: str, moment: str) -> None:
    """Whether the result was written or the end told, or not: the job succeeds, and is told."""
    keeper, method = {"results": (workshop.results, "put"), "notifier": (workshop.notifier, "publish")}[
        service
    ]
    real = getattr(keeper, method)

    def crashing(*arguments: object) -> NoReturn:
        setattr(keeper, method, real)
        if moment == "after":
            real(*arguments)
        crash()

    job = workshop.submit(sums())
    setattr(keeper, method, crashing)
    assert 1 == work_on(workshop)
    assert (Status.SUCCEEDED, 1) == (workshop.job(job).status, len(workshop.results))
    assert {"succeeded"} == set(workshop.told(job))


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("answer", list(Lost))
def test_answers_of_the_table_get_lost(workshop: Workshop, number: int, answer: Lost) -> None:
    """Whichever write it was, start or success: the job runs to its end."""
    job = workshop.submit(sums())
    workshop.store.lost = [*[None] * number, answer]
    assert 0 == work_on(workshop)
    assert [] == workshop.store.lost
    assert (Status.SUCCEEDED, None) == (workshop.job(job).status, workshop.job(job).attended_until)
    assert {"succeeded"} == set(workshop.told(job))


def test_cancelled_then_crashed(workshop: Workshop) -> None:
    """The result that a worker left behind as it ended is deleted with the next delivery."""
    job = workshop.submit(sums())
    workshop.hooks.before = [lambda _: workshop.service.cancel(job.id)]
    real = workshop.results.put

    def put(*arguments: object) -> NoReturn:
        real(*arguments)  # type: ignore[arg-type]
        crash()

    workshop.results.put = put  # type: ignore[assignment, method-assign]
    with pytest.raises(Crash):
        workshop.work()
    assert 1 == len(workshop.results)
    workshop.clock.advance(SECONDS + 5)
    workshop.work()
    assert (Status.CANCELLED, 0) == (workshop.job(job).status, len(workshop.results))
