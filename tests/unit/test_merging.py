"""Which requests may be one run, and what that run gives."""

import numpy as np
import pytest
from triptych.errors import BadRequest
from triptych.inference.merging import MAX_BYTES, RowsInteract, groups, run_merged, union
from triptych.inference.request import Prepared
from triptych.inference.rows import prepare_rows
from triptych.models.model import Model
from triptych.rows.options import row_options

from tests.support.prepared_requests import LATER, column, request_of
from tests.unit.fakes.functions import model_of

MIB = 2**20


def doubler(rows: int = -1) -> tuple[Model, list[int]]:
    """Makes a model that gives each `x` twice as `y` and thrice as `z`, and the list of its runs."""
    return model_of(
        lambda arrays: {"y": 2 * arrays["x"], "z": 3 * arrays["x"]},
        {"x": (rows, -1)},
        {"y": (rows, -1), "z": (rows, -1)},
    )


def test_requests_of_one_family_are_one_group() -> None:
    """The number of rows does not count, the rest of the shape does; the order is kept."""
    model, _ = doubler()
    shapes = [(1, 2), (3, 1), (2, 2), (7, 2), (1, 1)]
    requests = [request_of(model, x=np.zeros(shape, "<f4")) for shape in shapes]
    assert [[0, 2, 3], [1, 4]] == groups(model.signature, requests)


def test_rows_and_tensors_are_one_group() -> None:
    """What is joined is what the model gets, however it came."""
    model, _ = model_of(lambda arrays: {"y": arrays["x"]}, {"x": (-1, 1)}, {"y": (-1, 1)})
    requests: list[Prepared] = [
        prepare_rows(model, b"x\n1\n2\n", row_options("text/csv")),
        request_of(model, x=column(3)),
        prepare_rows(model, b'{"x":4}', row_options("application/jsonlines")),
    ]
    assert [[0, 1, 2]] == groups(model.signature, requests)


def test_requests_without_rows_are_alone() -> None:
    """A model may fail on no rows, and would not among others."""
    model, _ = model_of(lambda arrays: {"y": arrays["x"]}, {"x": (-1, 1)}, {"y": (-1, 1)})
    requests: list[Prepared] = [
        request_of(model, x=column(1)),
        request_of(model, x=column()),
        prepare_rows(model, b"x\n", row_options("text/csv")),
        request_of(model, x=column(2)),
    ]
    assert [[0, 3], [1], [2]] == groups(model.signature, requests)


@pytest.mark.parametrize(("x", "y"), [((1, 1), (-1, 1)), ((-1, 1), (1, 1)), ((-1, 1), None), (None, (-1, 1))])
def test_a_first_dimension_that_is_not_free_is_not_joined(
    x: tuple[int, ...] | None, y: tuple[int, ...] | None
) -> None:
    """Neither that of an input nor that of a wanted output."""
    model, _ = model_of(lambda arrays: {"y": arrays["x"]}, {"x": x}, {"y": y})
    assert [[0], [1]] == groups(model.signature, [request_of(model, x=column(1))] * 2)


def test_an_output_that_nobody_wants_does_not_count() -> None:
    """Only wanted outputs must be per row."""
    model, _ = model_of(
        lambda arrays: {"y": arrays["x"], "mean": arrays["x"].mean()},
        {"x": (-1, 1)},
        {"y": (-1, 1), "mean": ()},
    )
    assert [[0, 1]] == groups(model.signature, [request_of(model, ["y"], x=column(1))] * 2)
    assert [[0], [1]] == groups(model.signature, [request_of(model, x=column(1))] * 2)


def test_inputs_with_different_numbers_of_rows_are_not_joined() -> None:
    """They are not rows of one thing."""
    model, _ = model_of(lambda arrays: {"y": arrays["a"]}, {"a": (-1, 1), "b": (-1, 1)}, {"y": (-1, 1)})
    request = request_of(model, a=column(1, 2), b=column(1))
    assert [[0], [1]] == groups(model.signature, [request, request])


def test_rows_that_run_one_at_a_time_are_not_joined() -> None:
    """A model that takes one row runs once for each, whoever sent them."""
    model, _ = model_of(lambda arrays: {"y": arrays["x"]}, {"x": (1, 1)}, {"y": (1, 1)})
    rows = prepare_rows(model, b"x\n1\n2\n", row_options("text/csv"))
    assert [[0], [1]] == groups(model.signature, [rows, rows])


def test_a_group_has_bounded_inputs() -> None:
    """Four MiB of inputs are a group, the next request begins another; a larger one is alone."""
    model, _ = doubler()
    sizes = [6, 6, 6, 20, 1, 9]
    requests = [request_of(model, ["y"], x=np.zeros((size, MIB // 16), "<f4")) for size in sizes]
    assert [[0, 1], [2], [3], [4, 5]] == groups(model.signature, requests)


def test_a_group_may_be_full() -> None:
    """Inputs of just as many bytes as a group takes are one group."""
    model, _ = doubler()
    half = np.zeros((MAX_BYTES // 2 // MIB, MIB // 4), "<f4")
    requests = [request_of(model, ["y"], x=half) for _ in range(3)]
    assert [[0, 1], [2]] == groups(model.signature, requests)


def test_a_group_has_bounded_outputs() -> None:
    """As many values as one answer takes, as far as the signature tells."""
    model, _ = model_of(lambda arrays: {"y": arrays["x"]}, {"x": (-1, 1)}, {"y": (-1, MIB)})
    requests = [request_of(model, x=column(1)) for _ in range(10)]
    assert [[*range(8)], [8, 9]] == groups(model.signature, requests)


def test_each_request_gets_its_rows_of_its_outputs() -> None:
    """One run gives what any of them wants, and each has what it asked for, in its order."""
    model, runs = doubler()
    requests = [
        request_of(model, ["y"], x=column(1, 2)),
        request_of(model, ["z", "y"], x=column(3)),
        request_of(model, ["z"], x=column(4, 5, 6)),
    ]
    assert ["y", "z"] == union(requests)
    first, second, third = run_merged(model, requests, LATER)
    assert [6] == runs
    assert [[2], [4]] == first["y"].values.tolist()
    assert {"z": [[9]], "y": [[6]]} == {name: tensor.values.tolist() for name, tensor in second.items()}
    assert ["z", "y"] == list(second)
    assert [[12], [15], [18]] == third["z"].values.tolist()


@pytest.mark.parametrize("y", [[[1.0]], 1.0, [[1.0]] * 3])
def test_an_output_that_is_not_per_row_is_not_split(y: object) -> None:
    """Whatever the signature says: it is the shape that comes which counts."""
    model, _ = model_of(lambda _: {"y": y}, {"x": (-1, 1)}, {"y": (-1, 1)})
    with pytest.raises(RowsInteract):
        run_merged(model, [request_of(model, x=column(1))] * 2, LATER)


def test_a_joined_run_fails_as_any_run() -> None:
    """Its error is the model's."""

    def refuse(_: object) -> dict[str, object]:
        raise BadRequest("no")

    model, _ = model_of(refuse, {"x": (-1, 1)}, {"y": (-1, 1)})
    with pytest.raises(BadRequest, match="no"):
        run_merged(model, [request_of(model, x=column(1))] * 2, LATER)
