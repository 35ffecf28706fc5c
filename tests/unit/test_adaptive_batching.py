"""Running requests together: what comes of each, and in how many runs."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from triptych.clock import Deadline
from triptych.errors import BadRequest, DeadlineExceeded, PayloadTooLarge
from triptych.inference.adaptive_batching import AdaptiveBatcher, Batched
from triptych.inference.request import Prepared
from triptych.inference.rows import prepare_rows
from triptych.models.config import ModelConfig
from triptych.models.model import Model
from triptych.protocol.tensors import Array
from triptych.rows.options import row_options

from tests.support.prepared_requests import LATER, alone, column, request_of, summary
from tests.unit.fakes.functions import Function, model_of

TRUSTED = ModelConfig(group=True)


def trusted(function: Function) -> tuple[Model, list[int]]:
    """Makes a model of `x` to `y` that is said to be safe to group, and the list of its runs."""
    return model_of(function, {"x": (-1, -1)}, {"y": (-1, -1)}, TRUSTED)


def unproven(function: Function) -> tuple[Model, list[int]]:
    """Makes a model of `x` to `y` of which nothing is said, and the list of its runs."""
    return model_of(function, {"x": (-1, -1)}, {"y": (-1, -1)})


def double(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Returns `x` twice."""
    return {"y": 2 * arrays["x"]}


def double_positives(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Returns `x` twice, unless there is a negative one."""
    if (arrays["x"] < 0).any():
        raise BadRequest(f"{arrays['x'].min()} is negative")
    return double(arrays)


def requests_of(model: Model, *values: float) -> list[Prepared]:
    """Makes a request of one row for each value."""
    return [request_of(model, x=column(value)) for value in values]


def run(model: Model, requests: Sequence[Prepared], deadline: Deadline = LATER) -> Batched:
    """Runs requests with a memory of their own; nothing may be refused."""

    def refused(model: Model) -> None:
        raise AssertionError(f"{model.name} was refused")

    return AdaptiveBatcher(refused).run_batched(model, requests, deadline)


def sizes(together: Batched) -> list[int]:
    """Returns how many requests each run was for."""
    return [run.requests for run in together.runs]


def assert_as_alone(requests: Sequence[Prepared], together: Batched) -> None:
    """Every request has what it would have alone."""
    assert [alone(request) for request in requests] == [summary(outcome) for outcome in together.outcomes]


def test_no_requests() -> None:
    """Nothing comes of nothing."""
    assert Batched([], []) == run(trusted(double)[0], [])


def test_one_run_for_all() -> None:
    """The model runs once, and each request gets its rows."""
    model, runs = trusted(double)
    requests = [request_of(model, x=column(*range(size))) for size in (2, 1, 3)]
    together = run(model, requests)
    assert ([6], [3]) == (runs, sizes(together))
    assert min(run.nanoseconds for run in together.runs) > 0
    assert_as_alone(requests, together)


def test_outcomes_come_in_the_order_of_the_requests() -> None:
    """Whatever group each was in."""
    model, runs = trusted(double)
    wide, narrow = np.ones((1, 3), "<f4"), np.ones((1, 2), "<f4")
    requests = [request_of(model, x=index * x) for index, x in enumerate([wide, narrow, narrow, wide])]
    together = run(model, requests)
    assert [2, 2] == runs
    assert_as_alone(requests, together)


def test_rows_and_tensors_run_together() -> None:
    """And empty tables are answered without a run."""
    model, runs = model_of(double, {"x": (-1, 1)}, {"y": (-1, 1)}, TRUSTED)
    requests: list[Prepared] = [
        prepare_rows(model, b"x\n1\n2\n", row_options("text/csv")),
        request_of(model, x=column(3)),
        prepare_rows(model, b"x\n", row_options("text/csv")),
    ]
    together = run(model, requests)
    assert [3] == runs
    assert_as_alone(requests, together)


def test_a_model_for_one_row_runs_row_by_row() -> None:
    """Nothing is joined, and every request is answered."""
    model, runs = model_of(double, {"x": (1, 1)}, {"y": (1, 1)}, TRUSTED)
    requests = [prepare_rows(model, body, row_options("text/csv")) for body in (b"x\n1\n2\n", b"x\n3\n")]
    together = run(model, requests)
    assert ([1, 1, 1], [1, 1]) == (runs, sizes(together))
    assert_as_alone(requests, together)


def test_the_guilty_fails_alone() -> None:
    """A failing group is halved until the request that fails is alone; its error is its own."""
    model, runs = trusted(double_positives)
    requests = requests_of(model, 1, 2, 3, 4, 5, -6, 7, 8)
    together = run(model, requests)
    assert [8, 4, 4, 2, 1, 1, 2] == runs
    assert [4, 1, 1, 2] == sizes(together)
    assert ("BadRequest", "-6.0 is negative") == summary(together.outcomes[5])
    assert_as_alone(requests, together)


def test_all_may_be_guilty() -> None:
    """Each is told its own fault."""
    model, _ = trusted(double_positives)
    requests = requests_of(model, -1, -2, -3)
    assert_as_alone(requests, run(model, requests))


def test_a_group_that_gets_no_memory_runs_in_smaller_ones() -> None:
    """One that gets none alone asks for too much."""

    def greedy(arrays: Mapping[str, Array]) -> dict[str, Array]:
        if len(arrays["x"]) > 2:
            raise MemoryError
        return double(arrays)

    model, runs = trusted(greedy)
    requests = [*requests_of(model, 1, 2, 3), request_of(model, x=column(4, 5, 6))]
    *fine, guilty = run(model, requests).outcomes
    assert [6, 2, 4, 1, 3] == runs
    assert [alone(request) for request in requests[:3]] == [summary(outcome) for outcome in fine]
    assert isinstance(guilty, PayloadTooLarge)
    assert str(guilty).startswith("needs more memory than the function has")


def test_a_group_whose_outputs_are_too_many_runs_in_smaller_ones() -> None:
    """The bound of one answer is not one for many, and what a run gives is known only when it has."""
    model, runs = trusted(lambda arrays: {"y": np.repeat(arrays["x"], 2**21, axis=1)})
    outcomes = run(model, requests_of(model, 1, 2, 3, 4, 5, 6)).outcomes
    assert [6, 3, 3] == runs
    assert [1, 2, 3, 4, 5, 6] == [
        outcome["y"].values[0, -1] for outcome in outcomes if isinstance(outcome, dict)
    ]


def test_when_the_time_is_up_the_group_is_not_halved() -> None:
    """Every request of the run can be tried again."""

    def late(_: object) -> dict[str, Array]:
        raise DeadlineExceeded("too late")

    model, runs = trusted(late)
    together = run(model, requests_of(model, 1, 2, 3))
    assert [("DeadlineExceeded", "too late")] * 3 == [summary(outcome) for outcome in together.outcomes]
    assert ([3], []) == (runs, together.runs)


def test_what_has_not_begun_when_the_time_is_up_does_not_begin() -> None:
    """What is done stays done."""

    def slow(arrays: Mapping[str, Array]) -> dict[str, Array]:
        time.sleep(0.05)
        return double(arrays)

    model, runs = trusted(slow)
    other = request_of(model, x=np.ones((1, 2), "<f4"))
    empty = request_of(model, x=column())
    done, late, also_late = run(model, [*requests_of(model, 1), other, empty], Deadline.after(0.02)).outcomes
    assert [1] == runs
    assert isinstance(done, dict)
    assert isinstance(late, DeadlineExceeded)
    assert isinstance(also_late, DeadlineExceeded)


def test_a_bug_is_not_hidden() -> None:
    """What is no fault of a request is the caller's to handle."""

    def broken(_: object) -> dict[str, Array]:
        raise ZeroDivisionError

    model, _ = trusted(broken)
    with pytest.raises(ZeroDivisionError):
        run(model, requests_of(model, 1, 2))


@pytest.mark.parametrize("y", [1.0, [[1.0]], [[1.0]] * 5])
def test_outputs_that_are_not_per_row_are_never_split(y: Any) -> None:  # noqa: ANN401 - of any shape
    """Even where `model.toml` says that jobs may run together."""
    model, runs = trusted(lambda _: {"y": y})
    refused: list[Model] = []
    grouping = AdaptiveBatcher(refused.append)
    requests = requests_of(model, 1, 2, 3)
    for _ in range(2):
        assert_as_alone(requests, grouping.run_batched(model, requests, LATER))
    assert [model] == refused
    assert 1 == sum(rows == 3 for rows in runs)
