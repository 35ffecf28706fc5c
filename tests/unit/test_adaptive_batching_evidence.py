"""Finding out whether the rows of a model are independent before requests for it run together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from triptych.errors import BadRequest, DeadlineExceeded, PayloadTooLarge
from triptych.inference.adaptive_batching import PROBE, AdaptiveBatcher
from triptych.models.config import ModelConfig
from triptych.models.model import Model
from triptych.protocol.tensors import Array

from tests.support.prepared_requests import LATER, alone, column, request_of, summary
from tests.unit.fakes.functions import Function, model_of

ALONE = [1] * PROBE


def double(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Returns `x` twice, and whether it is a number."""
    return {"y": 2 * arrays["x"], "label": 1.0 * np.isfinite(arrays["x"])}


@dataclass
class Tried:
    """A model, and what running requests for it together did.

    Attributes:
        function: The model.
        group: What its `model.toml` says.
        refused: Names of the models that were refused.
        runs: Rows of every run.
    """

    function: Function
    group: bool | None = None
    refused: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.model, self.runs = model_of(
            self.function, {"x": (-1, 1)}, {"y": (-1, 1), "label": (-1, 1)}, ModelConfig(group=self.group)
        )
        self.grouping = AdaptiveBatcher(lambda model: self.refused.append(model.name))

    def run(self, *values: float, outputs: tuple[str, ...] = ("y",), model: Model | None = None) -> list[int]:
        """Runs a request for each value and checks what comes of them.

        Returns:
            The rows of each run that it took.
        """
        model = model or self.model
        requests = [request_of(model, outputs, x=column(value)) for value in values]
        begun = len(self.runs)
        together = self.grouping.run_batched(model, requests, LATER)
        taken = self.runs[begun:]
        assert [alone(request) for request in requests] == [summary(outcome) for outcome in together.outcomes]
        assert len(values) == sum(run.requests for run in together.runs)
        return taken


def test_the_first_eight_are_compared() -> None:
    """They run one by one, and joined to compare; the rest of their group is joined already."""
    tried = Tried(double)
    assert [*ALONE, PROBE, 12] == tried.run(*range(20))
    assert [5] == tried.run(*range(5))
    assert [] == tried.refused


def test_a_single_request_shows_nothing() -> None:
    """There is nothing to join it with."""
    tried = Tried(double)
    assert [1] == tried.run(1)
    assert [*ALONE, PROBE] == tried.run(*range(8))


def test_small_groups_add_up() -> None:
    """Eight requests with different results are enough, however they come."""
    tried = Tried(double)
    assert [1, 1, 1, 3] == tried.run(1, 2, 3)
    assert [1, 1, 1, 3] == tried.run(4, 5, 6)
    assert [1, 1, 2] == tried.run(7, 8)
    assert [3] == tried.run(9, 10, 11)


def test_equal_requests_show_nothing() -> None:
    """A model that averages over all rows gives equal requests what each gets alone."""
    tried = Tried(lambda arrays: {"y": arrays["x"] * 0 + arrays["x"].mean()})
    assert [1] * 40 == tried.run(*[3.0] * 40)
    assert [] == tried.refused
    assert [*ALONE, PROBE, 1, 1] == tried.run(*range(10))
    assert ["doubler"] == tried.refused


def test_results_that_are_all_the_same_show_little() -> None:
    """Not eight but thirty-two of them are enough: a label may be the same for nearly all."""
    tried = Tried(double)
    assert [*ALONE, PROBE] * 4 + [8] == tried.run(*range(40), outputs=("label",))
    assert [2] == tried.run(1, 2, outputs=("label",))


def test_each_output_has_to_be_seen() -> None:
    """What one output shows says nothing about another; a group that wants both waits for both."""

    def mixed(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {"y": arrays["x"], "label": arrays["x"] - arrays["x"].max()}

    tried = Tried(mixed)
    assert [*ALONE, PROBE, 2] == tried.run(*range(10))
    assert [1, 1, 2] == tried.run(1, 2, outputs=("y", "label"))
    assert ["doubler"] == tried.refused


@pytest.mark.parametrize(
    "function",
    [
        lambda arrays: {"y": np.cumsum(arrays["x"], axis=0)},
        lambda arrays: {"y": arrays["x"] / arrays["x"].sum()},
        lambda arrays: {"y": arrays["x"] - arrays["x"].mean()},
        lambda arrays: {"y": np.sort(-arrays["x"], axis=0)},
        lambda arrays: {"y": 1.0 * np.arange(len(arrays["x"])).reshape(-1, 1)},
        lambda arrays: {"y": arrays["x"] if len(arrays["x"]) == 1 else arrays["x"][:-1]},
        lambda arrays: {"y": np.repeat(arrays["x"], len(arrays["x"]), axis=1)},
    ],
    ids=["sum so far", "share", "centred", "sorted", "position", "one row less", "one column for each row"],
)
def test_rows_that_interact_are_refused(function: Function) -> None:
    """The results are those of each request alone; the model is reported once and never joined again."""
    tried = Tried(function)
    values = np.linspace(1, 2, 20).tolist()
    assert [*ALONE, PROBE, *[1] * 12] == tried.run(*values)
    assert [1] * 20 == tried.run(*values)
    assert ["doubler"] == tried.refused


def test_a_model_that_refuses_more_rows_is_refused() -> None:
    """Each request alone was accepted, so it is their number that was not."""

    def one_row(arrays: Mapping[str, Array]) -> dict[str, Array]:
        if len(arrays["x"]) > 1:
            raise BadRequest("one row only")
        return double(arrays)

    tried = Tried(one_row)
    assert [1, 1, 2] == tried.run(1, 2)
    assert [1, 1] == tried.run(1, 2)
    assert ["doubler"] == tried.refused


@pytest.mark.parametrize("error", [PayloadTooLarge("too large"), DeadlineExceeded("too late"), MemoryError()])
def test_a_comparison_without_room_or_time_shows_nothing(error: Exception) -> None:
    """The model may be joined when there is."""
    short = True

    def function(arrays: Mapping[str, Array]) -> dict[str, Array]:
        if short and len(arrays["x"]) > 1:
            raise error
        return double(arrays)

    tried = Tried(function)
    assert [*ALONE, PROBE] == tried.run(*range(8))
    short = False
    assert [*ALONE, PROBE, 2] == tried.run(*range(10))
    assert [] == tried.refused


def test_what_fails_is_not_compared() -> None:
    """The others are, and what fails goes on failing alone."""

    def roots(arrays: Mapping[str, Array]) -> dict[str, Any]:
        if (arrays["x"] < 0).any():
            raise BadRequest(f"{arrays['x'].min()} has no root")
        return {"y": np.sqrt(arrays["x"])}

    tried = Tried(roots)
    assert [*ALONE, 6] == tried.run(1, -1, 2, 3, -2, 4, 5, 6)
    assert [*ALONE] == tried.run(*[-1.0] * 8)
    assert [1, 1, 1] == tried.run(-1, 7, -2)
    assert [1, 1, 2] == tried.run(8, 9)
    assert [4, 2, 2, 1, 1] == tried.run(1, 2, 3, -3)
    assert [] == tried.refused


def test_model_toml_can_say_yes() -> None:
    """Nothing is compared."""
    tried = Tried(double, group=True)
    assert [20] == tried.run(*range(20))
    assert [20] == tried.run(*[3.0] * 20)


def test_model_toml_can_say_no() -> None:
    """Nothing is ever joined, and that is nothing to report."""
    tried = Tried(double, group=False)
    assert [1] * 20 == tried.run(*range(20))
    assert [] == tried.refused


def test_a_model_that_is_opened_again_is_unknown_again() -> None:
    """Its file may have been replaced."""
    tried = Tried(double)
    tried.run(*range(8))
    assert [2] == tried.run(1, 2)
    again, again_runs = model_of(double, {"x": (-1, 1)}, {"y": (-1, 1), "label": (-1, 1)})
    tried.run(1, 2, model=again)
    assert [1, 1, 2] == again_runs[:3]
