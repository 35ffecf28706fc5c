"""How jobs move from state to state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from triptych.errors import Conflict
from triptych.jobs import transitions
from triptych.jobs.job import FINAL, Job, JobRequest, JobResult, Status
from triptych.jobs.transitions import leased, overdue
from triptych.lifecycle.record import Failure, notified

from tests.support.job_strategies import MOMENTS, jobs
from tests.support.properties import examples

PASSING = Failure("ServiceUnavailable", "it may pass", retryable=True)
LASTING = Failure("BadRequest", "it stays", retryable=False)
RESULT = JobResult("s3://results/x", "text/csv", None, 10, 1)
WAITING = frozenset({Status.QUEUED, Status.RUNNING})


@dataclass(frozen=True)
class Move:
    """A transition, and when it is allowed.

    Attributes:
        make: Makes it, at a time.
        origins: States that it may start from.
        target: State that it leads to; None when the state stays.
        allowed: What must hold beside the state.
    """

    make: Callable[[Job, int], Job]
    origins: frozenset[Status]
    target: Status | None
    allowed: Callable[[Job, int], bool] = lambda _job, _now: True


MOVES = {
    "started": Move(
        lambda job, now: transitions.started(job, now, now + 60_000),
        WAITING,
        Status.RUNNING,
        lambda job, now: not leased(job, now),
    ),
    "succeeded": Move(
        lambda job, now: transitions.succeeded(job, now, RESULT),
        frozenset({Status.RUNNING}),
        Status.SUCCEEDED,
    ),
    "failed": Move(lambda job, now: transitions.failed(job, now, LASTING), WAITING, Status.FAILED),
    "released": Move(
        lambda job, _now: transitions.released(job, PASSING), frozenset({Status.RUNNING}), Status.QUEUED
    ),
    "waited": Move(
        lambda job, _now: transitions.not_started(job), frozenset({Status.RUNNING}), Status.QUEUED
    ),
    "cancelled": Move(transitions.cancelled, WAITING, Status.CANCELLED),
    "expired": Move(transitions.expired, WAITING, Status.EXPIRED, overdue),
    "redriven": Move(
        lambda job, now: transitions.redriven(job, now + 60_000),
        frozenset({Status.FAILED}),
        Status.QUEUED,
        lambda job, _now: job.error is not None and job.error.retryable,
    ),
    "told": Move(lambda job, _now: notified(job), FINAL, None),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
@examples(100)
@given(job=jobs(), now=MOMENTS)
def test_every_move_from_every_state(move: Move, job: Job, now: int) -> None:
    """A transition leads where the state machine says, and is a conflict from everywhere else."""
    if job.status in move.origins and move.allowed(job, now):
        moved = move.make(job, now)
        assert (move.target or job.status, job.revision + 1) == (moved.status, moved.revision)
    else:
        with pytest.raises(Conflict, match=job.id):
            move.make(job, now)


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
@examples(50)
@given(job=jobs(), now=MOMENTS)
def test_what_a_job_is_stays(move: Move, job: Job, now: int) -> None:
    """No transition changes what was asked for; only a redrive gives it more time."""
    if job.status not in move.origins or not move.allowed(job, now):
        return
    moved = move.make(job, now)
    same = ("id", "model", "version", "request", "digest", "created", "input", "target")
    assert [getattr(job, name) for name in same] == [getattr(moved, name) for name in same]
    assert move is MOVES["redriven"] or job.expires == moved.expires


@examples(100)
@given(job=jobs(), now=MOMENTS)
def test_attended(job: Job, now: int) -> None:
    """What is overdue is what somebody must look after among the jobs that have not ended.

    Of those that have, a success whose notification failed is left to its message, which comes again.
    """
    until = job.attended_until
    assert (until is None) == (job.final and (job.notified or job.status is Status.SUCCEEDED))
    if not job.final and until is not None:
        assert overdue(job, now) == (now >= until)


def test_an_attempt_that_did_not_begin_does_not_count() -> None:
    """A job that was marked as running and had no turn is as it was before, but for its revision."""
    new = Job("id", "iris", None, JobRequest(), "digest", 1_000, 61_000)
    waiting = transitions.not_started(transitions.started(new, 2_000, 9_000))
    assert new._replace(started=2_000, revision=waiting.revision) == waiting


def test_redrive_starts_over() -> None:
    """A redriven job is as new, but that its redrives are counted and that its end is told again."""
    new = Job("id", "iris", None, JobRequest(), "digest", 1_000, 61_000)
    failed = notified(transitions.failed(transitions.started(new, 2_000, 9_000), 3_000, PASSING))
    again = transitions.redriven(failed, 99_000)
    assert new._replace(expires=99_000, redrives=1, revision=again.revision) == again


def test_success_forgets_the_last_failure() -> None:
    """A job that succeeded in its second attempt shows no error."""
    new = Job("id", "iris", None, JobRequest(), "digest", 1_000, 61_000)
    released = transitions.released(transitions.started(new, 2_000, 9_000), PASSING)
    assert (PASSING, None) == (released.error, released.lease)
    succeeded = transitions.succeeded(transitions.started(released, 10_000, 20_000), 11_000, RESULT)
    assert (2, None, RESULT, 11_000) == (
        succeeded.attempts,
        succeeded.error,
        succeeded.result,
        succeeded.ended,
    )


class Life(RuleBasedStateMachine):
    """Any moves, at any time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000
        self.job = Job("id", "iris", None, JobRequest(), "digest", self.now, self.now + 60_000)
        self.ends: list[Status] = []

    @rule(milliseconds=st.integers(0, 50_000))
    def wait(self, milliseconds: int) -> None:
        """Time passes."""
        self.now += milliseconds

    @rule(name=st.sampled_from(sorted(MOVES)))
    def move(self, name: str) -> None:
        """Somebody tries a transition."""
        before = self.job
        try:
            self.job = MOVES[name].make(before, self.now)
        except Conflict:
            return
        if self.job.final and not before.final:
            self.ends.append(self.job.status)

    @rule()
    def fail_for_now(self) -> None:
        """It fails for a reason that may pass."""
        if self.job.status in WAITING:
            self.job = transitions.failed(self.job, self.now, PASSING)
            self.ends.append(self.job.status)

    @invariant()
    def ends_once(self) -> None:
        """A job ends once, and once more for each redrive, which only a failure allows."""
        assert len(self.ends) == self.job.redrives + self.job.final
        assert {Status.FAILED} >= {*self.ends[: self.job.redrives]}

    @invariant()
    def has_what_its_state_says(self) -> None:
        """A result is there exactly for success, an end for final states, a lease while it runs."""
        assert (self.job.result is not None) == (self.job.status is Status.SUCCEEDED)
        assert (self.job.ended is not None) == self.job.final
        assert (self.job.lease is not None) == (self.job.status is Status.RUNNING)
        assert self.job.error is not None or self.job.status is not Status.FAILED
        assert not self.job.notified or self.job.final


TestLife = Life.TestCase
