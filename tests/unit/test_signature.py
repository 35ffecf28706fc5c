"""Whether tensors fit what a model takes."""

import numpy as np
import pytest
from triptych.errors import BadRequest
from triptych.protocol.datatypes import BYTES, FP32, FP64
from triptych.protocol.tensors import Signature, Tensor, TensorSpec, empty_array, fits

IMAGE = TensorSpec("image", FP32, (-1, 8, 8))
NAME = TensorSpec("name", BYTES, None)
SCORES = TensorSpec("scores", FP32, (-1, 10))
SIGNATURE = Signature((IMAGE, NAME), (SCORES,))
NAMES = Tensor(BYTES, np.array(["a"], dtype=object))


def image(*shape: int, datatype: str = "<f4") -> Tensor:
    """An image of zeros."""
    return Tensor(FP32 if datatype == "<f4" else FP64, np.zeros(shape, dtype=datatype))


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_accepted(rows: int) -> None:
    """Free dimensions take any size, an open rank takes any shape, and the order does not count."""
    SIGNATURE.check_inputs({"name": NAMES, "image": image(rows, 8, 8)})
    with pytest.raises(BadRequest, match="expected shape"):
        SIGNATURE.check_inputs({"name": NAMES, "image": image(rows, 8, 9)})


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"name": NAMES}, "missing input 'image'; the model takes 'image', 'name'"),
        ({}, "missing input 'image'; the model takes 'image', 'name'"),
        ({"picture": image(1, 8, 8)}, "unknown input 'picture'; the model takes 'image', 'name'"),
        ({"image": NAMES, "name": NAMES}, "input 'image': expected datatype FP32, got BYTES"),
        ({"image": image(1, 8, 8, datatype="<f8")}, "input 'image': expected datatype FP32, got FP64"),
        ({"image": image(1, 64)}, "input 'image': expected shape [-1, 8, 8] (-1 is any size), got [1, 64]"),
        (
            {"image": image(2, 8, 7)},
            "input 'image': expected shape [-1, 8, 8] (-1 is any size), got [2, 8, 7]",
        ),
        ({"image": image()}, "input 'image': expected shape [-1, 8, 8] (-1 is any size), got []"),
    ],
)
def test_refused(inputs: dict[str, Tensor], expected: str) -> None:
    """The message names the input, what was expected and what came."""
    with pytest.raises(BadRequest) as failure:
        SIGNATURE.check_inputs(inputs)
    assert expected == str(failure.value)


def test_model_without_inputs() -> None:
    """A model may take nothing; then nothing else is taken."""
    nothing = Signature((), ())
    nothing.check_inputs({})
    with pytest.raises(BadRequest, match="unknown input 'name'; the model takes none"):
        nothing.check_inputs({"name": NAMES})


def test_output() -> None:
    """An output is found by its name, or refused with the names that there are."""
    assert SCORES is SIGNATURE.output_named("scores")
    with pytest.raises(BadRequest, match="unknown output 'labels'; the model gives 'scores'"):
        SIGNATURE.output_named("labels")


def test_fits() -> None:
    """A shape fits when it has the rank and the fixed sizes."""
    assert fits((3, 4), (-1, 4))
    assert fits((), ())
    assert not fits((3,), (-1, 4))
    assert not fits((3, 5), (-1, 4))


@pytest.mark.parametrize(
    ("shape", "expected"), [((-1, 8), True), ((2, -1), False), ((), False), (None, False)]
)
def test_rows_are_free(shape: tuple[int, ...] | None, expected: bool) -> None:  # noqa: FBT001 - cases
    """Rows are free when the first dimension is."""
    assert expected is TensorSpec("x", FP32, shape).rows_are_free


def test_empty_array() -> None:
    """An empty array has the shape and the storage of its datatype."""
    array = empty_array(FP64, (0, 3))
    assert ((0, 3), np.dtype("<f8")) == (array.shape, array.dtype)
