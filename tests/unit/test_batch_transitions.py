"""The state machine of a batch, from every state."""

from collections.abc import Callable

import pytest
from hypothesis import given
from triptych.batches.batch import FINAL, Batch, BatchSource, Status
from triptych.batches.file import FileOutcome
from triptych.batches.transitions import (
    begun,
    cancelled,
    failed,
    finished,
    handed_over,
    leased,
    planned,
    redriven,
    released,
)
from triptych.errors import Conflict, ServiceUnavailable
from triptych.inference.piece import Counts
from triptych.lifecycle.record import Failure, notified
from triptych.rows.options import BatchOptions

from tests.support.batch_strategies import batches

NOW, LATER = 1_767_225_600_000, 1_767_225_900_000
NEW = Batch("id", None, None, BatchSource(("m/a.csv",)), BatchOptions(), NOW)
PASSING = Failure("ServiceUnavailable", "the bucket cannot be reached", retryable=True)
LASTING = Failure("BadRequest", "the columns are wrong", retryable=False)
UNDER_WAY = frozenset(Status) - FINAL
DONE = FileOutcome(0, "m/a.csv", Counts(3, 3, 0), "m/a.csv.out", None, "m/a.csv.manifest.json")
HALF = DONE._replace(number=1, counts=Counts(4, 3, 1), errors="m/a.csv.errors.jsonl")
WRONG = DONE._replace(number=2, counts=Counts(), output=None, error=LASTING)
OUT_OF_REACH = WRONG._replace(number=3, error=PASSING)

MOVES: dict[str, tuple[Callable[[Batch], Batch], frozenset[Status]]] = {
    "begin": (lambda batch: begun(batch, NOW, LATER), UNDER_WAY),
    "be retried": (lambda batch: released(batch, PASSING), UNDER_WAY - {Status.QUEUED}),
    "be handed over": (lambda batch: handed_over(batch, NOW), UNDER_WAY),
    "be planned": (lambda batch: planned(batch, 2, 3), UNDER_WAY - {Status.QUEUED}),
    "end": (lambda batch: finished(batch, NOW, [DONE]), UNDER_WAY - {Status.QUEUED}),
    "fail": (lambda batch: failed(batch, NOW, LASTING), UNDER_WAY),
    "be cancelled": (lambda batch: cancelled(batch, NOW), UNDER_WAY),
    "be redriven": (redriven, frozenset({Status.FAILED, Status.SUCCEEDED_WITH_ERRORS})),
    "be told": (notified, FINAL),
}


def in_status(status: Status) -> Batch:
    """A batch that nobody holds, in a state; if something failed, it may succeed when it is redriven."""
    return NEW._replace(
        status=status, error=PASSING if status in {Status.FAILED, Status.SUCCEEDED_WITH_ERRORS} else None
    )


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("move", MOVES)
def test_every_move_from_every_state(move: str, status: Status) -> None:
    """A move is made from the states that allow it, and counted; from all others it is refused."""
    make, allowed = MOVES[move]
    if status in allowed:
        assert 1 == make(in_status(status)).revision
    else:
        with pytest.raises(Conflict, match=f"batch id is {status}"):
            make(in_status(status))


@given(batches())
def test_kept_fields(batch: Batch) -> None:
    """No move changes what was asked for, and all leave a state that fits."""
    for make, _ in MOVES.values():
        try:
            moved = make(batch)
        except Conflict:
            continue
        assert batch[:7] == moved[:7]
        assert moved is batch or moved.revision == batch.revision + 1
        assert moved.ended is None or moved.final or moved.ended == batch.ended
        assert moved.lease is None or not moved.final or moved.lease == batch.lease


def test_begun_once() -> None:
    """Who has begun is left alone until the lease is over; then the next one may, and it is counted."""
    first = begun(NEW, NOW, LATER)
    assert (Status.PLANNING, NOW, LATER, 1) == (first.status, first.started, first.lease, first.attempts)
    assert leased(first, LATER - 1)
    with pytest.raises(Conflict, match="being transformed already"):
        begun(first, LATER - 1, LATER)
    assert 2 == begun(first, LATER, LATER + 1).attempts


def test_released() -> None:
    """After a failure that may pass the next attempt may begin at once."""
    waiting = released(begun(NEW, NOW, LATER), PASSING)
    assert (Status.QUEUED, None, PASSING, 1) == (
        waiting.status,
        waiting.lease,
        waiting.error,
        waiting.attempts,
    )
    assert 2 == begun(waiting, NOW, LATER).attempts


def test_handed_over_once() -> None:
    """What the state machine has nobody else begins; telling it again changes nothing."""
    handed = handed_over(begun(NEW, NOW, LATER), NOW)
    assert (Status.PLANNING, "id", None) == (handed.status, handed.execution, handed.lease)
    running = planned(handed, 2, 3)
    for batch in (handed, running):
        assert batch is handed_over(batch, LATER)
        assert batch is released(batch, PASSING)
        with pytest.raises(Conflict, match="being transformed already"):
            begun(batch, LATER + 1, LATER + 2)


def test_planned() -> None:
    """Files and chunks are known, also when planning was done twice."""
    once = planned(handed_over(NEW, NOW), 2, 3)
    assert (Status.RUNNING, 2, 3) == (once.status, once.files, once.chunks)
    assert planned(once, 2, 3)._replace(revision=once.revision) == once


@pytest.mark.parametrize(
    ("outcomes", "status", "failed_files", "counts", "error"),
    [
        ([], Status.SUCCEEDED, 0, Counts(), None),
        ([DONE], Status.SUCCEEDED, 0, Counts(3, 3, 0), None),
        ([DONE, HALF], Status.SUCCEEDED_WITH_ERRORS, 0, Counts(7, 6, 1), None),
        ([DONE, WRONG], Status.SUCCEEDED_WITH_ERRORS, 1, Counts(3, 3, 0), None),
        ([WRONG], Status.FAILED, 1, Counts(), LASTING),
        (
            [WRONG, OUT_OF_REACH],
            Status.FAILED,
            2,
            Counts(),
            Failure("BadRequest", "all 2 files failed; the first: the columns are wrong", retryable=True),
        ),
    ],
)
def test_finished(
    outcomes: list[FileOutcome], status: Status, failed_files: int, counts: Counts, error: Failure | None
) -> None:
    """How a batch ends follows from what became of its files."""
    ended = finished(planned(handed_over(NEW, NOW), len(outcomes), 3), LATER, outcomes)
    assert (status, failed_files, counts, error) == (
        ended.status,
        ended.failed_files,
        ended.counts,
        ended.error,
    )
    assert (LATER, len(outcomes), False) == (ended.ended, ended.files, ended.notified)


def test_lost_files() -> None:
    """A batch does not succeed while nothing is known of one of its files."""
    ended = finished(planned(handed_over(NEW, NOW), 3, 3), LATER, [DONE, HALF])
    assert (Status.FAILED, 3, Counts(7, 6, 1)) == (ended.status, ended.files, ended.counts)
    assert ended.error is not None
    assert ended.error.message.startswith("nothing is known of 1 of 3 files")
    assert (ServiceUnavailable.__name__, True) == (ended.error.type, ended.error.retryable)


def test_nothing_was_planned() -> None:
    """A batch that ends without a plan has the files that something is known of."""
    assert 1 == finished(begun(NEW, NOW, LATER), LATER, [DONE]).files


def test_redriven() -> None:
    """A batch that may succeed begins anew, under another execution, and its end is told again."""
    running = planned(handed_over(begun(NEW, NOW, LATER), NOW), 2, 3)
    again = redriven(notified(failed(running, LATER, PASSING)))
    assert again._replace(revision=0) == NEW._replace(redrives=1)
    assert "id-1" == handed_over(again, LATER).execution


def test_redriven_for_the_files_that_are_missing() -> None:
    """A batch that has outputs can be redriven where files failed for a reason that may pass, and says so."""
    running = planned(handed_over(NEW, NOW), 4, 4)
    ended = finished(running, LATER, [DONE, HALF, WRONG, OUT_OF_REACH])
    message = (
        f"1 of 4 files failed for a reason that may pass; redrive the batch. The first: {PASSING.message}"
    )
    assert (Status.SUCCEEDED_WITH_ERRORS, PASSING._replace(message=message)) == (ended.status, ended.error)
    assert redriven(ended)._replace(revision=0) == NEW._replace(redrives=1)
    for outcomes in ([DONE, HALF], [DONE, WRONG]):
        ended = finished(planned(handed_over(NEW, NOW), 2, 2), LATER, outcomes)
        assert ended.error is None
        with pytest.raises(Conflict, match="no file of it failed for a reason that may pass"):
            redriven(ended)


def test_not_redriven() -> None:
    """A batch that would fail again says why."""
    with pytest.raises(Conflict, match="would fail again: the columns are wrong"):
        redriven(failed(NEW, NOW, LASTING))


def test_told() -> None:
    """Being told is remembered, and changes nothing else."""
    ended = cancelled(NEW, NOW)
    assert ended._replace(notified=True, revision=2) == notified(ended)
