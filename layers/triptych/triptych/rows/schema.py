"""The columns that rows for a model have, and their names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from triptych.errors import RowError
from triptych.protocol.json_document import Scalar
from triptych.protocol.names import listing
from triptych.protocol.tensors import FREE, TensorSpec


@dataclass(frozen=True)
class RowSchema:
    """The columns that a model takes.

    Attributes:
        columns: Columns in order, for rows without names; None for the order of the inputs.
        missing: Per column, the value that replaces a missing cell.
    """

    inputs: tuple[TensorSpec, ...]
    columns: tuple[str, ...] | None = None
    missing: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])

    @cached_property
    def only_input(self) -> TensorSpec | None:
        """The required input of a model that has one; None for others."""
        required = [spec for spec in self.inputs if not spec.optional]
        return required[0] if len(required) == 1 else None

    @cached_property
    def features(self) -> tuple[str, ...] | None:
        """Names that `columns` gives to the entries of the only input; None when it gives none."""
        spec = self.only_input
        if spec is None or self.columns is None or self.columns == (spec.name,):
            return None
        return self.columns if row_size(spec) in (None, len(self.columns)) else None

    @property
    def takes_any(self) -> bool:
        """Whether columns of any names can be the entries of the only input, in order."""
        spec = self.only_input
        if spec is None or len(self.inputs) > 1:
            return False
        return self.features is None and row_size(spec) != 1

    def reads(self, column: str) -> bool:
        """Returns whether a column of this name can go into an input."""
        if self.takes_any or any(column == spec.name for spec in self.inputs):
            return True
        flat = [self.flat_columns(spec) for spec in self.inputs]
        free = [spec.name for spec, names in zip(self.inputs, flat, strict=True) if names is None]
        name, _, index = column.rpartition("_")
        return any(column in names for names in flat if names) or (name in free and index.isdecimal())

    def flat_columns(self, spec: TensorSpec) -> tuple[str, ...] | None:
        """Names the columns that hold one number each of an input, row-major; None for any number of them."""
        size = row_size(spec)
        if spec == self.only_input and self.features is not None:
            return self.features
        if size is None:
            return None
        return (spec.name,) if size == 1 else entry_names(spec.name, size)

    def all_columns(self) -> tuple[str, ...] | None:
        """Names of the columns that hold one number each of required inputs; None when one takes any."""
        flat = [self.flat_columns(spec) for spec in self.inputs if not spec.optional]
        if any(names is None for names in flat):
            return None
        return tuple(name for names in flat for name in names or ())

    def names_for(self, width: int, row: int) -> tuple[str, ...]:
        """Names the cells of a row that comes without names.

        Raises:
            RowError: A row of this model has another number of cells.
        """
        expected = [self.columns or tuple(spec.name for spec in self.inputs)]
        if (flat := self.all_columns()) is not None:
            expected.append(flat)
        for names in expected:
            if len(names) == width:
                return names
        spec = self.only_input
        if spec is not None and row_size(spec) is None:
            return entry_names(spec.name, width)
        shown = " or ".join(f"{len(names)} ({listing(names)})" for names in dict.fromkeys(expected))
        raise RowError(row, f"expected as many cells as there are columns, {shown}, got {width}")


def inner_shape(spec: TensorSpec) -> tuple[int, ...] | None:
    """Returns the shape of one row of a tensor; None when the model leaves even its rank open."""
    return None if spec.shape is None else spec.shape[1:]


def row_size(spec: TensorSpec) -> int | None:
    """Returns how many elements one row of a tensor has; None when that is free."""
    inner = inner_shape(spec)
    return None if inner is None or FREE in inner else math.prod(inner)


def entry_names(name: str, size: int, labels: Sequence[str] = ()) -> tuple[str, ...]:
    """Names the entries of one row of a tensor: `name_label` where each has its own, else `name_0` and on."""
    suffixes = labels if len(set(labels)) == len(labels) == size else range(size)
    return tuple(f"{name}_{suffix}" for suffix in suffixes)
