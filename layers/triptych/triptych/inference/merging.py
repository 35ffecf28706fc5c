"""Several requests as one run of the model, whose results are split again; and whether that changes them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from triptych.clock import Deadline
from triptych.inference.request import Prepared
from triptych.models.model import MAX_OUTPUT, Model, weight
from triptych.protocol.datatypes import BF16, BYTES, FP16, FP32, FP64, Datatype
from triptych.protocol.tensors import FREE, Array, Signature, Tensor, TensorSpec, from_bits, stacked

MAX_BYTES = 4 * 2**20
"""Bytes of the inputs of a merged run. Merging saves what a run costs whatever its size, and reading the
weights for each run: measured, all of that is gained at a hundred rows of some hundred bytes. Memory goes on
growing with the run: four MiB already made a network with layers of a thousand units take 200 MB more."""

STRING_BYTES = 64
"""Bytes that a string counts for, which NumPy holds as a pointer and ONNX Runtime as an object."""

TASK_ROW_BYTES = 8 * 2**10
"""Bytes that a text or an image counts for at least: 512 of them keep a processor busy for seconds, and a
merged run is done as a whole or not at all."""

Family = tuple[tuple[int, ...] | None, ...]
"""Shapes of all inputs without the first dimension, in the order of the signature; None for an absent one."""


class RowsInteract(Exception):
    """An output of a merged run has not one entry for each row: its first dimension is no batch."""


@dataclass(slots=True)
class _Group:
    """Requests that may be one run, by index, and the room that is left for more."""

    indices: list[int] = field(default_factory=list[int])
    bytes_left: int = MAX_BYTES
    values_left: int = MAX_OUTPUT

    def fits(self, size: int, values: int) -> bool:
        """Whether a request with so many bytes of inputs and values of outputs still fits."""
        return size <= self.bytes_left and values <= self.values_left

    def add(self, index: int, size: int, values: int) -> None:
        """Adds the request."""
        self.indices.append(index)
        self.bytes_left -= size
        self.values_left -= values


def groups(signature: Signature, requests: Sequence[Prepared]) -> list[list[int]]:
    """Sorts requests by index into groups that may be one run; alone what cannot be merged with others."""
    made: list[_Group] = []
    open_groups: dict[Family, _Group] = {}
    values_of_a_row = {spec.name: _values_of_a_row(spec) for spec in signature.outputs if spec.rows_are_free}
    for index, request in enumerate(requests):
        family = _family(signature, request)
        if family is None or not values_of_a_row.keys() >= set(request.outputs):
            made.append(_Group([index]))
            continue
        size = sum(map(input_bytes, request.inputs.values()))
        if signature.task:
            size = max(size, request.rows * TASK_ROW_BYTES)
        values = request.rows * sum(values_of_a_row[name] for name in request.outputs)
        group = open_groups.get(family)
        if group is None or not group.fits(size, values):
            group = open_groups[family] = _Group()
            made.append(group)
        group.add(index, size, values)
    return [group.indices for group in made]


def union(requests: Sequence[Prepared]) -> list[str]:
    """Returns the outputs that any of the requests asks for, each once."""
    return list(dict.fromkeys(name for request in requests for name in request.outputs))


def run_merged(model: Model, requests: Sequence[Prepared], deadline: Deadline) -> list[dict[str, Tensor]]:
    """Runs the requests of a group as one; returns the outputs of each by name, as views of the run's.

    Raises:
        RowsInteract: An output has not one entry for each row.
        TriptychError: As `Model.run`.
    """
    inputs = {
        spec.name: stacked([request.inputs[spec.name] for request in requests])
        for spec in model.signature.inputs
        if spec.name in requests[0].inputs
    }
    results = model.run(inputs, union(requests), deadline)
    rows = sum(request.rows for request in requests)
    if any(tensor.shape[:1] != (rows,) for tensor in results.values()):
        raise RowsInteract
    split: list[dict[str, Tensor]] = []
    start = 0
    for request in requests:
        split.append({name: results[name].slice(start, start + request.rows) for name in request.outputs})
        start += request.rows
    return split


def input_bytes(tensor: Tensor) -> int:
    """Returns the bytes that an input takes, its strings included."""
    return tensor.values.size * STRING_BYTES if tensor.datatype is BYTES else tensor.values.nbytes


def _family(signature: Signature, request: Prepared) -> Family | None:
    # No rows run alone: a model may fail on none, and would not among others.
    if not request.is_one_run or request.rows == 0 or not request.inputs:
        return None
    rows = request.rows
    shapes: list[tuple[int, ...] | None] = []
    for spec in signature.inputs:
        if spec.name not in request.inputs:
            shapes.append(None)
            continue
        shape = request.inputs[spec.name].values.shape
        if not spec.rows_are_free or shape[0] != rows:
            return None
        shapes.append(shape[1:])
    return tuple(shapes)  # the datatypes are the signature's


def _values_of_a_row(spec: TensorSpec) -> int:
    """At least so many: free dimensions count for one, and `Model.run` counts what really comes."""
    return weight(spec.datatype, math.prod(size for size in (spec.shape or ())[1:] if size != FREE))


ENOUGH = 32
"""Weight of the agreements from which an output counts as proven."""

_TELLING = 4
"""Weight of an agreement where the requests had different results, so that a mix-up would have shown: eight
such requests are enough. Where all had the same, as a label that is nearly always the same, each weighs 1."""


class Evidence:
    """Results of merged runs that agreed, or did not, with those of the same requests alone.

    A free first dimension need not be a batch: a sequence has one as well, a model may normalize over all
    rows, or draw random numbers.

    Args:
        configured: What `model.toml` says: true counts as proven, false as refused; None is found out.
    """

    def __init__(self, *, configured: bool | None) -> None:
        self.refused = configured is False
        self._trusted = configured is True
        self._agreed: Counter[str] = Counter()

    def proves(self, outputs: Iterable[str]) -> bool:
        """Returns whether all these outputs are known to be independent row by row."""
        return not self.refused and (
            self._trusted or all(self._agreed[output] >= ENOUGH for output in outputs)
        )

    def compare(
        self,
        requests: Sequence[Prepared],
        alone: Sequence[dict[str, Tensor]],
        merged: Sequence[dict[str, Tensor]],
    ) -> None:
        """Learns from requests whose results are known of runs by themselves, and of one with the others."""
        for output in union(requests):
            single = [results[output] for results in alone if output in results]
            others = [results[output] for results in merged if output in results]
            if not agree(single, others):
                self.refused = True
            self._agreed[output] += len(single) * (_TELLING if differ(single) else 1)


TOLERANCE: dict[Datatype, float] = {FP64: 1e-4, FP32: 1e-4, FP16: 1e-2, BF16: 5e-2}
"""How far two numbers may lie apart, as a share of the largest magnitude in their column.

A product of matrices adds up in another order when it has more rows. FP32 rounds at 6e-8 of a number;
thousands of additions in several layers make 1e-6 to 1e-5 of that. FP64 is often FP32 that was cast at the
end. FP16 and BF16 round at 5e-4 and 4e-3. A column is measured by its largest number because a number near
zero is often the difference of large ones, and because columns are of different units. Rows that interact,
also those of a model that is quantized while it runs, differ by far more."""


def agree(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Returns whether two runs gave the same output, of shape `[rows, ...]`, for each of some requests.

    Shapes are equal, floats lie within `TOLERANCE` (NaN beside NaN), and all else is equal.
    """
    if [tensor.shape for tensor in some] != [tensor.shape for tensor in others]:
        return False
    if len({tensor.shape[1:] for tensor in some}) > 1:  # each has columns of its own
        return all(map(_close, some, others))
    return _close(stacked(some), stacked(others))


def differ(tensors: Sequence[Tensor]) -> bool:
    """Returns whether the first rows of these tensors are not all the same."""
    first, *others = (tensor.slice(0, 1) for tensor in tensors)
    return not all(agree([first], [other]) for other in others)


def _close(one: Tensor, other: Tensor) -> bool:
    tolerance = TOLERANCE.get(one.datatype)
    if tolerance is None:
        return bool(np.array_equal(one.values, other.values))
    expected, actual = _widened(one), _widened(other)
    largest = np.max(np.abs(expected), axis=0, where=np.isfinite(expected), initial=0)
    return bool(np.isclose(actual, expected, rtol=0, atol=tolerance * largest, equal_nan=True).all())


def _widened(tensor: Tensor) -> Array:
    values = from_bits(tensor.values) if tensor.datatype is BF16 else tensor.values
    return values.astype("<f8")
