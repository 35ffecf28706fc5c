"""Requests that are nothing but the bytes of one tensor."""

import pytest
from triptych.errors import BadRequest
from triptych.inference.tensors import raw_request
from triptych.protocol.datatypes import BYTES, DATATYPES, FP32, Datatype
from triptych.protocol.tensors import Signature, TensorSpec


def takes(datatype: Datatype, shape: tuple[int, ...] | None) -> Signature:
    """A model with one input."""
    return Signature((TensorSpec("x", datatype, shape),), ())


@pytest.mark.parametrize(
    ("expected", "shape", "elements"),
    [
        ((2, 8, 8), (-1, 8, 8), 2 * 64),
        ((8, 3), (8, -1), 24),
        ((4,), (4,), 4),
        ((3,), (-1,), 3),
        ((), None, 1),
        ((1, 1), (-1, 1), 1),
    ],
)
def test_shape(expected: tuple[int, ...], shape: tuple[int, ...] | None, elements: int) -> None:
    """The free dimension is what the bytes make of it; the bytes are the input as they are."""
    body = bytes(4 * elements)
    request = raw_request(body, takes(FP32, shape))
    (tensor,) = request.inputs
    assert ("x", FP32, expected) == (tensor.name, tensor.datatype, tensor.shape)
    assert body == bytes(tensor.raw or b"")


def test_answer_is_binary() -> None:
    """All outputs come, in binary."""
    request = raw_request(bytes(4), takes(FP32, (1,)))
    assert ((), True, None) == (request.outputs, request.binary_output, request.id)


@pytest.mark.parametrize("shape", [(1,), (-1,), (-1, 1), None])
def test_text(shape: tuple[int, ...] | None) -> None:
    """The body of a BYTES input is its one element, without a length before it."""
    (tensor,) = raw_request("añ".encode(), takes(BYTES, shape)).inputs
    assert b"\3\0\0\0a\xc3\xb1" == bytes(tensor.raw or b"")
    assert {1} >= set(tensor.shape)


def test_free_sizes_cannot_be_told() -> None:
    """Two free dimensions cannot be told from the number of bytes."""
    with pytest.raises(BadRequest, match=r"input 'x' has shape \[-1, -1\]: its sizes cannot be told"):
        raw_request(bytes(4), takes(FP32, (-1, -1)))


@pytest.mark.parametrize("count", [0, 2])
def test_one_input_only(count: int) -> None:
    """The bytes must be for one input."""
    spec = TensorSpec("x", DATATYPES["UINT8"], (-1,))
    with pytest.raises(BadRequest, match=f"needs a model with one input, not {count}"):
        raw_request(b"abc", Signature((spec,) * count, ()))


def test_no_bytes() -> None:
    """A body without bytes is refused as what it is."""
    with pytest.raises(BadRequest, match="the body is empty"):
        raw_request(b"", takes(FP32, (-1, 4)))
