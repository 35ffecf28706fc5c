"""What counts as the same result."""

import numpy as np
import pytest
from hypothesis import given
from triptych.inference.merging import agree
from triptych.protocol.datatypes import BF16, BYTES, DATATYPES, FP16, FP32, FP64, INT64, Datatype
from triptych.protocol.tensors import Array, Tensor, to_bits

from tests.support.properties import examples
from tests.support.tensor_strategies import tensors

NAN, INFINITY = float("nan"), float("inf")


def made(datatype: Datatype, *values: object) -> Tensor:
    """Makes a column of values."""
    array: Array = (
        to_bits(np.array(values, "<f4")) if datatype is BF16 else np.array(values, datatype.storage)
    )
    return Tensor(datatype, array.reshape(-1, 1))


@pytest.mark.parametrize(
    ("datatype", "within", "beyond"),
    [(FP64, 9e-5, 2e-4), (FP32, 9e-5, 2e-4), (FP16, 9e-3, 2e-2), (BF16, 4e-2, 7e-2)],
)
def test_floats_agree_within_a_tolerance(datatype: Datatype, within: float, beyond: float) -> None:
    """It is a share of the largest number in the column, so a number near zero may differ as much."""
    expected = made(datatype, 100.0, 0.0)
    assert agree([expected], [made(datatype, 100.0, 100 * within)])
    assert not agree([expected], [made(datatype, 100.0, 100 * beyond)])


def test_each_column_has_its_own_measure() -> None:
    """A large number in one column excuses nothing in another."""
    some = Tensor(FP32, np.array([[1e6, 1e-3], [1e6, 2e-3]], "<f4"))
    others = Tensor(FP32, np.array([[1e6, 1e-3], [1e6, 3e-3]], "<f4"))
    assert not agree([some], [others])


def test_columns_reach_over_requests() -> None:
    """The largest number may be another request's."""
    assert agree(
        [made(FP32, 100.0), made(FP32, 0.0)],
        [made(FP32, 100.0), made(FP32, 0.001)],
    )


@pytest.mark.parametrize(
    ("expected", "some", "others"),
    [
        (True, NAN, NAN),
        (True, INFINITY, INFINITY),
        (False, NAN, 1.0),
        (False, 1.0, NAN),
        (False, INFINITY, -INFINITY),
        (False, INFINITY, 1.0),
        (False, 1.0, INFINITY),
    ],
)
def test_what_is_no_number_must_be_the_same(expected: bool, some: float, others: float) -> None:  # noqa: FBT001 - cases
    """And infinity beside a number does not widen what the number may be."""
    assert expected is agree([made(FP32, some, 1.0)], [made(FP32, others, 1.0)])
    assert not agree([made(FP32, INFINITY, 1.0)], [made(FP32, INFINITY, 2.0)])


@pytest.mark.parametrize(
    ("some", "others"),
    [
        (made(INT64, 10_000_000), made(INT64, 10_000_001)),
        (made(BYTES, "a"), made(BYTES, "b")),
        (made(DATATYPES["BOOL"], True), made(DATATYPES["BOOL"], False)),
        (made(FP32, 1.0), made(FP32, 1.0, 1.0)),
        (Tensor(FP32, np.zeros((1, 2), "<f4")), Tensor(FP32, np.zeros((2, 1), "<f4"))),
    ],
)
def test_all_else_must_be_equal(some: Tensor, others: Tensor) -> None:
    """Integers, strings, booleans, shapes."""
    assert not agree([some], [others])
    assert agree([some], [some])
    assert agree([others], [others])


def test_requests_may_have_columns_of_their_own() -> None:
    """Where an inner dimension is free, each request is compared by itself."""
    some = [Tensor(FP32, np.ones((1, 2), "<f4")), Tensor(FP32, np.ones((1, 3), "<f4"))]
    assert agree(some, some)
    assert not agree(some, [some[0], Tensor(FP32, np.zeros((1, 3), "<f4"))])


@examples(100)
@given(tensors().filter(lambda tensor: tensor.values.ndim > 0))
def test_every_tensor_agrees_with_itself(tensor: Tensor) -> None:
    """Whatever datatype, shape and values it has."""
    assert agree([tensor, tensor], [tensor, tensor])
