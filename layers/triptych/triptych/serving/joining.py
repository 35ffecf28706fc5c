"""Requests that may be one run of the model: which they are, and that run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from triptych.interfaces.deadline import Deadline
from triptych.protocol.datatypes import BYTES
from triptych.serving.model import MAX_OUTPUT, Model, weight
from triptych.serving.prepared import Prepared
from triptych.tensors.signature import FREE, Signature, TensorSpec
from triptych.tensors.tensor import Tensor

MAX_BYTES = 4 * 2**20
"""Bytes of the joined inputs of a group. Joining saves what a run costs whatever its size, and reading the
weights for each run: measured, all of that is gained at a hundred rows of some hundred bytes. Memory goes on
growing with the group: four MiB already made a network with layers of a thousand units take 200 MB more."""

_STRING_BYTES = 64
"""Bytes that a string counts for, which NumPy holds as a pointer and ONNX Runtime as an object."""

Family = tuple[tuple[int, ...], ...]
"""Shapes of all inputs without the first dimension, in the order of the signature."""


class RowsInteract(Exception):
    """An output of a joined run has not one entry for each row: its first dimension is no batch."""


@dataclass(slots=True)
class _Group:
    """Requests that may be one run, by index, and the room that is left for more."""

    indices: list[int] = field(default_factory=list[int])
    bytes_left: int = MAX_BYTES
    values_left: int = MAX_OUTPUT

    def takes(self, size: int, values: int) -> bool:
        """Whether a request with so many bytes of inputs and values of outputs still fits."""
        return size <= self.bytes_left and values <= self.values_left

    def add(self, index: int, size: int, values: int) -> None:
        """Takes the request."""
        self.indices.append(index)
        self.bytes_left -= size
        self.values_left -= values


def groups(signature: Signature, requests: Sequence[Prepared]) -> list[list[int]]:
    """Sorts requests into groups that may be one run each.

    Args:
        signature: Of the model that they are for.
        requests: The requests.

    Returns:
        Indices of the requests, each in one group; alone where it cannot be joined with any other.
    """
    made: list[_Group] = []
    open_groups: dict[Family, _Group] = {}
    values_of_a_row = {spec.name: _values_of_a_row(spec) for spec in signature.outputs if spec.rows_are_free}
    for index, request in enumerate(requests):
        family = _family(signature, request)
        if family is None or not values_of_a_row.keys() >= set(request.outputs):
            made.append(_Group([index]))
            continue
        size = _bytes(request)
        values = request.rows * sum(values_of_a_row[name] for name in request.outputs)
        group = open_groups.get(family)
        if group is None or not group.takes(size, values):
            group = open_groups[family] = _Group()
            made.append(group)
        group.add(index, size, values)
    return [group.indices for group in made]


def union(requests: Sequence[Prepared]) -> list[str]:
    """Names the outputs that any of the requests wants, each once."""
    return list(dict.fromkeys(name for request in requests for name in request.outputs))


def run_joined(model: Model, requests: Sequence[Prepared], deadline: Deadline) -> list[dict[str, Tensor]]:
    """Runs the requests of a group as one.

    Returns:
        For each request its wanted outputs by name, as views of the joined ones.

    Raises:
        RowsInteract: An output has not one entry for each row.
        TriptychError: As `Model.run`.
    """
    inputs = {
        spec.name: Tensor(
            spec.datatype, np.concatenate([request.inputs[spec.name].values for request in requests])
        )
        for spec in model.signature.inputs
    }
    results = model.run(inputs, union(requests), deadline)
    rows = sum(request.rows for request in requests)
    for tensor in results.values():
        if tensor.shape[:1] != (rows,):
            raise RowsInteract
    split: list[dict[str, Tensor]] = []
    start = 0
    for request in requests:
        split.append({name: _rows(results[name], start, start + request.rows) for name in request.outputs})
        start += request.rows
    return split


def _family(signature: Signature, request: Prepared) -> Family | None:
    # No rows run alone: a model may fail on none, and would not among others.
    if not request.is_one_run or request.rows == 0 or not request.inputs:
        return None
    rows, shapes = request.rows, []
    for spec in signature.inputs:
        shape = request.inputs[spec.name].values.shape
        if not spec.rows_are_free or shape[0] != rows:
            return None
        shapes.append(shape[1:])
    return tuple(shapes)  # the datatypes are the signature's


def _bytes(request: Prepared) -> int:
    return sum(
        tensor.values.size * _STRING_BYTES if tensor.datatype is BYTES else tensor.values.nbytes
        for tensor in request.inputs.values()
    )


def _values_of_a_row(spec: TensorSpec) -> int:
    """At least so many: free dimensions count for one, and `Model.run` counts what really comes."""
    return weight(spec.datatype, math.prod(size for size in (spec.shape or ())[1:] if size != FREE))


def _rows(tensor: Tensor, start: int, stop: int) -> Tensor:
    return Tensor(tensor.datatype, tensor.values[start:stop])
