"""Tensors: arrays with their datatype in the protocol. Signatures: the inputs and outputs of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from triptych.errors import BadRequest
from triptych.protocol.datatypes import Datatype
from triptych.protocol.names import did_you_mean

Array = NDArray[Any]


class Tensor(NamedTuple):
    """An array and its datatype; strings stand for BYTES, the 16 bits as integers for BF16."""

    datatype: Datatype
    values: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Dimensions, outermost first."""
        return self.values.shape

    def slice(self, start: int, stop: int) -> Tensor:
        """Returns a view of some rows, the entries of the first dimension."""
        return Tensor(self.datatype, self.values[start:stop])


def stacked(tensors: Sequence[Tensor]) -> Tensor:
    """Returns the rows of all these tensors, of one datatype and one at least, as one tensor."""
    return Tensor(tensors[0].datatype, np.concatenate([tensor.values for tensor in tensors]))


def empty_array(datatype: Datatype, shape: tuple[int, ...]) -> Array:
    """Makes an array for a shape that holds no elements."""
    return np.empty(shape, dtype=datatype.storage)


def to_bits(values: Array) -> Array:
    """Rounds FP32 values to the nearest BF16, the upper half of their bits, ties to even, and returns it."""
    bits = np.ascontiguousarray(values, dtype="<f4").view("<u4").astype("<u8")
    rounded: Array = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(values), 0x7FC0, rounded).astype("<u2")


def from_bits(bits: Array) -> Array:
    """Returns the values of BF16 bits as FP32."""
    return (bits.astype("<u4") << 16).view("<f4")


FREE = -1
"""A dimension that each request chooses."""


class TensorSpec(NamedTuple):
    """One input or output of a model.

    Attributes:
        shape: Its dimensions, `FREE` (-1) where the request chooses; None when the model leaves even
            the rank open.
        labels: Names of the entries of its last axis, where the model itself holds them.
        optional: Whether an input may be absent. A session reads an empty string as an absent one: in a table
            where only some rows have the cell, that is what the others hold.
        json: Whether each element of a BYTES tensor is a JSON document, of an input also a plain text: rows
            in JSON hold the value itself.
        image: Whether each element of a BYTES input is an image file, or base64 of one.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...] | None
    labels: tuple[str, ...] = ()
    optional: bool = False
    json: bool = False
    image: bool = False

    @property
    def rows_are_free(self) -> bool:
        """Whether the first dimension may be any number of rows."""
        return self.shape is not None and self.shape[:1] == (FREE,)


class Signature(NamedTuple):
    """The inputs and outputs of a model, in the order of its graph, or of a task in front of it.

    The task is such as `text-classification`, or empty for a model's own tensors.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    task: str = ""

    @property
    def required(self) -> tuple[TensorSpec, ...]:
        """The inputs that must be there."""
        return tuple(spec for spec in self.inputs if not spec.optional)

    def check_inputs(self, tensors: Mapping[str, Tensor]) -> None:
        """Checks that the tensors are the inputs of the model.

        Raises:
            BadRequest: A required input is missing, or one is unknown, or of another datatype or shape.
        """
        known = {spec.name for spec in self.inputs}
        for name in tensors:
            if name not in known:
                near = did_you_mean(name, known)
                raise BadRequest(f"unknown input {name!r}{near}; the model takes {_names(self.inputs)}")
        for spec in self.inputs:
            tensor = tensors.get(spec.name)
            if tensor is not None:
                _check_input(spec, tensor)
            elif not spec.optional:
                raise BadRequest(f"missing input {spec.name!r}; the model takes {_names(self.inputs)}")

    def output_named(self, name: str) -> TensorSpec:
        """Looks up an output.

        Raises:
            BadRequest: The model has no such output.
        """
        for spec in self.outputs:
            if spec.name == name:
                return spec
        near = did_you_mean(name, [spec.name for spec in self.outputs])
        raise BadRequest(f"unknown output {name!r}{near}; the model gives {_names(self.outputs)}")


def _check_input(spec: TensorSpec, tensor: Tensor) -> None:
    if tensor.datatype is not spec.datatype:
        expected, got = spec.datatype.name, tensor.datatype.name
        raise BadRequest(f"input {spec.name!r}: expected datatype {expected}, got {got}")
    if spec.shape is not None and not fits(tensor.shape, spec.shape):
        raise BadRequest(
            f"input {spec.name!r}: expected shape {list(spec.shape)} (-1 is any size), "
            f"got {list(tensor.shape)}"
        )


def fits(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Returns whether a shape fills the free dimensions of another and equals it elsewhere."""
    return len(shape) == len(expected) and all(
        want in (FREE, got) for got, want in zip(shape, expected, strict=True)
    )


def _names(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(repr(spec.name) for spec in specs) or "none"


def empty_output(spec: TensorSpec, labels: Sequence[str]) -> Tensor:
    """Returns the output of a model for no rows, as far as its signature tells."""
    inner = [0 if size == FREE else size for size in (spec.shape or (0,))[1:]]
    if len(inner) == 1 and labels:
        inner = [len(labels)]
    return Tensor(spec.datatype, empty_array(spec.datatype, (0, *inner)))
