"""What a `model.toml` says about its model."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from triptych.batches.batch import BatchOptions
from triptych.batches.options import read_options
from triptych.errors import BadRequest, ModelUnavailable
from triptych.interfaces.settings import SessionSettings, Weights
from triptych.protocol.fields import Scalar
from triptych.protocol.names import did_you_mean

Reader = Callable[[object, str], object]


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
        arena: Whether memory is kept between runs; None for the function's own choice.
        group: Whether jobs may run together; None to find out by comparing.
        batch: What is wanted of files of batches, where nobody else says.
    """

    description: str = ""
    columns: tuple[str, ...] | None = None
    key: str | None = None
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    missing: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    threads: int | None = None
    weights: Weights | None = None
    arena: bool | None = None
    group: bool | None = None
    batch: BatchOptions = field(default_factory=BatchOptions)

    def settings(self, defaults: SessionSettings) -> SessionSettings:
        """Fills what the model leaves open with the function's own choice."""
        return SessionSettings(
            threads=defaults.threads if self.threads is None else self.threads,
            weights=defaults.weights if self.weights is None else self.weights,
            arena=defaults.arena if self.arena is None else self.arena,
        )


def parse_model_config(text: str) -> ModelConfig:
    """Reads a `model.toml`.

    Raises:
        ModelUnavailable: It is not TOML, or holds an unknown key, a wrong type or an impossible value.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ModelUnavailable(f"model.toml: expected TOML: {error}") from error
    tables = {name: _table(document.pop(name, {}), name) for name in _TABLES}
    settings = _read(document, _MODEL, "")
    for name, table in tables.items():
        settings |= _read(table, _TABLES[name], f"{name}.")
    return ModelConfig(**settings)


def _read(table: Mapping[str, object], readers: Mapping[str, Reader], prefix: str) -> dict[str, Any]:
    for name in table:
        if name not in readers:
            known = [*readers, *_TABLES] if readers is _MODEL else [*readers]
            raise ModelUnavailable(
                f"model.toml: unknown key {prefix + name!r}{did_you_mean(name, known)}; "
                f"expected one of {', '.join(known)}"
            )
    return {name: readers[name](value, prefix + name) for name, value in table.items()}


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "a string", value)
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, "true or false", value)
    return value


def _threads(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 64:
        raise _wrong(where, "an integer from 1 to 64", value)
    return value


def _weights(value: object, where: str) -> object:
    if value not in get_args(Weights):
        raise _wrong(where, " or ".join(map(repr, get_args(Weights))), value)
    return value


def _cell(value: object, where: str) -> Scalar:
    if not isinstance(value, str | int | float | bool):
        raise _wrong(where, "a string, a number, true or false", value)
    return value


def _names(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _wrong(where, "a list of names", value)
    return tuple(_text(name, f"{where}[{index}]") for index, name in enumerate(value))


def _distinct(value: object, where: str) -> tuple[str, ...]:
    names = _names(value, where)
    if len(set(names)) != len(names):
        raise _wrong(where, "every name once", value)
    return names


def _table(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _wrong(where, "a table", value)
    return value


def _table_of(reader: Reader) -> Reader:
    return lambda value, where: {
        name: reader(entry, f"{where}.{name}") for name, entry in _table(value, where).items()
    }


def _batch(value: object, where: str) -> BatchOptions:
    try:
        return read_options(_table(value, where), f"{where}.")
    except BadRequest as error:
        raise ModelUnavailable(f"model.toml: {error}") from error


def _wrong(where: str, expected: str, value: object) -> ModelUnavailable:
    return ModelUnavailable(f"model.toml: {where}: expected {expected}, got {str(value)[:80]!r}")


_MODEL: dict[str, Reader] = {
    "description": _text,
    "columns": _distinct,
    "key": _text,
    "labels": _table_of(_distinct),
    "missing": _table_of(_cell),
    "batch": _batch,
}
_TABLES: dict[str, dict[str, Reader]] = {
    "session": {"threads": _threads, "weights": _weights, "arena": _flag},
    "jobs": {"group": _flag},
}
