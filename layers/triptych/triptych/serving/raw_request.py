"""Requests that are nothing but the bytes of one tensor (a JSON header of length 0)."""

from __future__ import annotations

import math

from triptych.errors import BadRequest
from triptych.protocol.datatypes import BYTES
from triptych.protocol.infer_request import InferRequest, InputTensor
from triptych.tensors.signature import FREE, Signature, TensorSpec


def raw_request(body: bytes | memoryview, signature: Signature) -> InferRequest:
    """Makes a request of raw bytes, as Triton does: one input, at most one free dimension, binary answer.

    Args:
        body: The whole body. For a BYTES input it is the one element, without its length.
        signature: The model's inputs.

    Raises:
        BadRequest: There are no bytes, the model takes more than one input, or the shape cannot be told
            from the bytes.
    """
    if not body:
        raise BadRequest("the body is empty; expected the bytes of a tensor")
    if len(signature.inputs) != 1:
        raise BadRequest(
            f"a body without JSON header needs a model with one input, not {len(signature.inputs)}"
        )
    spec = signature.inputs[0]
    tensor = _text(spec, body) if spec.datatype is BYTES else _numbers(spec, body)
    return InferRequest(inputs=(tensor,), binary_output=True)


def _text(spec: TensorSpec, body: bytes | memoryview) -> InputTensor:
    element = len(body).to_bytes(4, "little") + body
    return InputTensor(spec.name, spec.datatype, _shape(spec, 1), raw=memoryview(element))


def _numbers(spec: TensorSpec, body: bytes | memoryview) -> InputTensor:
    elements = len(body) // spec.datatype.size
    return InputTensor(spec.name, spec.datatype, _shape(spec, elements), raw=memoryview(body))


def _shape(spec: TensorSpec, elements: int) -> tuple[int, ...]:
    shape = spec.shape or ()
    if shape.count(FREE) > 1:
        raise BadRequest(
            f"input {spec.name!r} has shape {list(shape)}: its sizes cannot be told from bytes alone"
        )
    fixed = math.prod(size for size in shape if size != FREE)
    free = elements // fixed if fixed else 0
    return tuple(free if size == FREE else size for size in shape)
