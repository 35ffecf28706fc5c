"""The settings of a model: what its `model.toml` says, and whether that fits the model."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from triptych.errors import BadRequest, ModelUnavailable
from triptych.protocol.json_document import Scalar
from triptych.protocol.names import did_you_mean, listing
from triptych.protocol.tensors import FREE, Signature, TensorSpec
from triptych.rows.options import BatchOptions, read_options
from triptych.rows.schema import RowSchema

Weights = Literal["mapped", "prepacked"]
Pooling = Literal["mean", "cls", "last", "max"]
Aggregation = Literal["none", "simple", "first", "average", "max"]
TaskName = Literal[
    "none",
    "text-classification",
    "text-ranking",
    "feature-extraction",
    "token-classification",
    "question-answering",
    "zero-shot-classification",
    "image-classification",
    "object-detection",
    "image-feature-extraction",
]
"""Tasks, under their names in Hugging Face; `none` serves the model's own tensors whatever lies beside it."""


class SessionSettings(NamedTuple):
    """Execution settings of one model.

    Attributes:
        threads: Threads inside one operator.
        weights: `mapped` opens at once and leaves external weights on disk; `prepacked` opens slower,
            takes more memory and runs big batches faster.
        arena: Whether memory is kept between runs.
    """

    threads: int = 1
    weights: Weights = "mapped"
    arena: bool = True


class TaskConfig(NamedTuple):
    """What `[task]` says; None where the files beside the model decide.

    Attributes:
        name: The task.
        max_length: Tokens of a text, special ones included, that the model reads.
        pooling: How the vectors of tokens become one.
        normalize: Whether embeddings have length 1.
        aggregation: How tokens become entities, as in Hugging Face's pipeline.
        labels: Names of the classes; of zero-shot classification the candidates.
        threshold: Score from which a label of several, or an object, is one.
        multi_label: Whether several labels may be true at once.
        hypothesis: Sentence of zero-shot classification, with `{}` for the label.
    """

    name: TaskName | None = None
    max_length: int | None = None
    pooling: Pooling | None = None
    normalize: bool | None = None
    aggregation: Aggregation | None = None
    labels: tuple[str, ...] | None = None
    threshold: float | None = None
    multi_label: bool | None = None
    hypothesis: str | None = None


Reader = Callable[[object, str], object]


class ModelConfig(NamedTuple):
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
        batch: Options of batches, where the batch itself has none.
        task: What the model is for, where the files beside it do not say.
    """

    description: str = ""
    columns: tuple[str, ...] | None = None
    key: str | None = None
    labels: Mapping[str, tuple[str, ...]] = {}
    missing: Mapping[str, Scalar] = {}
    threads: int | None = None
    weights: Weights | None = None
    arena: bool | None = None
    group: bool | None = None
    batch: BatchOptions = BatchOptions()
    task: TaskConfig = TaskConfig()

    def settings(self, defaults: SessionSettings) -> SessionSettings:
        """Fills what the model leaves open with the function's own choice."""
        return SessionSettings(
            threads=defaults.threads if self.threads is None else self.threads,
            weights=defaults.weights if self.weights is None else self.weights,
            arena=defaults.arena if self.arena is None else self.arena,
        )

    @property
    def raw(self) -> ModelConfig:
        """What it says of the model's own tensors, whatever is in front of them."""
        return self._replace(columns=None, missing={}, labels={})


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


def _integer(least: int, most: int) -> Reader:
    def read(value: object, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _wrong(where, f"an integer from {least} to {most}", value)
        return value

    return read


def _one_of(words: object) -> Reader:
    known: tuple[str, ...] = get_args(words)

    def read(value: object, where: str) -> str:
        if not isinstance(value, str) or value not in known:
            near = did_you_mean(value, known) if isinstance(value, str) else ""
            raise _wrong(where, " or ".join(map(repr, known)), value, near)
        return value

    return read


def _share(value: object, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise _wrong(where, "a number from 0 to 1", value)
    return float(value)


def _hypothesis(value: object, where: str) -> str:
    if not isinstance(value, str) or value.count("{}") != 1:
        raise _wrong(where, "a sentence with {} where the label goes", value)
    return value


def _task(value: object, where: str) -> TaskConfig:
    return TaskConfig(**_read(_table(value, where), _TASK, f"{where}."))


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


def _wrong(where: str, expected: str, value: object, near: str = "") -> ModelUnavailable:
    return ModelUnavailable(f"model.toml: {where}: expected {expected}, got {str(value)[:80]!r}{near}")


_TASK: dict[str, Reader] = {
    "name": _one_of(TaskName),
    "max_length": _integer(4, 2**20),
    "pooling": _one_of(Pooling),
    "normalize": _flag,
    "aggregation": _one_of(Aggregation),
    "labels": _distinct,
    "threshold": _share,
    "multi_label": _flag,
    "hypothesis": _hypothesis,
}


_MODEL: dict[str, Reader] = {
    "description": _text,
    "columns": _distinct,
    "key": _text,
    "labels": _table_of(_distinct),
    "missing": _table_of(_cell),
    "batch": _batch,
    "task": _task,
}
_TABLES: dict[str, dict[str, Reader]] = {
    "session": {"threads": _integer(1, 64), "weights": _one_of(Weights), "arena": _flag},
    "jobs": {"group": _flag},
}


def fitted(config: ModelConfig, signature: Signature) -> ModelConfig:
    """Checks the names and numbers of a `model.toml` against the model.

    The length of an axis that the model leaves open is checked when the model runs.

    Returns:
        The configuration, with the labels that the model itself holds.

    Raises:
        ModelUnavailable: It names an output or a column that the model does not have, or has another number
            of labels than the output has entries, or others than the model itself.
    """
    outputs = {spec.name: spec for spec in signature.outputs}
    for output, labels in config.labels.items():
        if output not in outputs:
            raise _unknown("labels", output, "output", tuple(outputs))
        _check_labels(outputs[output], labels)
    schema = RowSchema(signature.inputs, config.columns, config.missing)
    for column in config.missing:
        if not schema.reads(column):
            known = [name for spec in signature.inputs for name in schema.flat_columns(spec) or (spec.name,)]
            raise _unknown("missing", column, "input column", known)
    own = {spec.name: spec.labels for spec in signature.outputs if spec.labels}
    return config._replace(labels={**own, **config.labels})


def check_width(output: str, shape: Sequence[int], labels: Sequence[str]) -> None:
    """Checks that an output has an entry for each of its labels.

    Args:
        output: Name of the output.
        shape: Its shape.
        labels: Names of the entries of its last axis.

    Raises:
        ModelUnavailable: It has another number of them.
    """
    if tuple(shape[-1:]) != (len(labels),):
        raise ModelUnavailable(
            f"model.toml: [labels] gives {output!r} {len(labels)} names ({listing(labels)}), "
            f"and the last axis of its shape {list(shape)} has another size"
        )


def _check_labels(spec: TensorSpec, labels: Sequence[str]) -> None:
    if spec.shape == (FREE,):
        raise ModelUnavailable(
            f"model.toml: [labels] names {spec.name!r}, which has one value per row and no axis to label"
        )
    if spec.shape is not None and spec.shape[-1] != FREE:
        check_width(spec.name, spec.shape, labels)
    if spec.labels and spec.labels != tuple(labels) and not _name_numbers(labels, spec.labels):
        raise ModelUnavailable(
            f"model.toml: [labels] calls the classes of {spec.name!r} {listing(labels)}, and the model "
            f"itself says {listing(spec.labels)}, in this order; leave them out of [labels], or write them so"
        )


def _name_numbers(labels: Sequence[str], classes: Sequence[str]) -> bool:
    """Returns whether the classes of a model are numbers, and the labels are names for them."""
    return all(name.lstrip("-").isdecimal() for name in classes) and set(labels).isdisjoint(classes)


def _unknown(table: str, name: str, role: str, known: Sequence[str]) -> ModelUnavailable:
    return ModelUnavailable(
        f"model.toml: [{table}] names {name!r}{did_you_mean(name, known)}, which is no {role}; "
        f"{role}s are {listing(known)}"
    )
