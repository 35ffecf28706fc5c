"""What a `model.toml` says about its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from triptych.interfaces.settings import Weights

Cell = str | int | float | bool


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The settings of a model; every one has a default.

    Attributes:
        description: One line for people.
        columns: Input columns in order, for rows without names; None for the order of the inputs.
        key: Column that identifies a record, if any.
        labels: Per output, the names of the entries of its last axis.
        missing: Per column, the value that replaces a missing cell.
        threads: Threads inside one operator; None for as many as the function's processors.
        weights: How weights are held; None for the function's own choice.
        arena: Whether memory is kept between runs.
    """

    description: str = ""
    columns: tuple[str, ...] | None = None
    key: str | None = None
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    missing: Mapping[str, Cell] = field(default_factory=dict[str, Cell])
    threads: int | None = None
    weights: Weights | None = None
    arena: bool = True
