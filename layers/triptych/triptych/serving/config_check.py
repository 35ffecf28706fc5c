"""Whether what a `model.toml` says fits its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from triptych.errors import ModelUnavailable
from triptych.protocol.names import did_you_mean, listing
from triptych.serving.model_config import ModelConfig
from triptych.tables.schema import RowSchema
from triptych.tensors.signature import FREE, Signature, TensorSpec


def fitted(config: ModelConfig, signature: Signature) -> ModelConfig:
    """Checks the names and numbers of a `model.toml` against the model.

    The length of an axis that the model leaves open is checked when the model runs.

    Returns:
        The configuration, with the labels that the model itself tells.

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
    told = {spec.name: spec.labels for spec in signature.outputs if spec.labels}
    return replace(config, labels={**told, **config.labels})


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
    if spec.labels and spec.labels != tuple(labels):
        raise ModelUnavailable(
            f"model.toml: [labels] calls the classes of {spec.name!r} {listing(labels)}, and the model "
            f"itself says {listing(spec.labels)}, in this order; leave them out of [labels], or write them so"
        )


def _unknown(table: str, name: str, role: str, known: Sequence[str]) -> ModelUnavailable:
    return ModelUnavailable(
        f"model.toml: [{table}] names {name!r}{did_you_mean(name, known)}, which is no {role}; "
        f"{role}s are {listing(known)}"
    )
