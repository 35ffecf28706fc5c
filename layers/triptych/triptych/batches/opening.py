"""Finding out everything about a file before it is transformed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from triptych.aws.objects import StoredObject
from triptych.batches.batch import Batch
from triptych.batches.file import InputFile
from triptych.batches.keys import file_form, input_key
from triptych.errors import BadRequest, NotFound
from triptych.models.config import ModelConfig, parse_model_config
from triptych.models.model import Model
from triptych.models.repository import ModelRepository
from triptych.rows.options import BatchOptions, answer_form, input_form, merged, metadata_options, resolved
from triptych.rows.table import EMPTY

Models = Callable[[str, int | None], Model]
"""Gives an open model by name, and by version; None is the latest that opens."""


class Described(NamedTuple):
    """What is known of a model without opening it.

    Attributes:
        name: Name of the model.
        version: Number of the version.
        config: What its `model.toml` says.
    """

    name: str
    version: int
    config: ModelConfig


Descriptions = Callable[[str, int | None], Model | Described]
"""Describes a model by name, and by version; None is the latest."""


def descriptions(repository: ModelRepository) -> Descriptions:
    """Describes the models of a repository without opening them."""

    def describe(model: str, version: int | None) -> Described:
        listing = repository.listing(model)
        candidate = listing.matching(version)[0]
        return Described(model, candidate.stored.version, parse_model_config(candidate.config() or ""))

    return describe


def input_file(
    batch: Batch, number: int, found: StoredObject, models: Descriptions, version: int | None = None
) -> InputFile:
    """Finds the model of a file and what is wanted of it.

    The version is fixed here: all chunks are run with the same.

    Args:
        batch: Its batch, which may name the model.
        number: Which of its batch it is, from 0.
        found: The file.
        models: Gives models.
        version: The version that has made parts of it already; None when none has.

    Raises:
        BadRequest: The file is empty, or its key or options are not what they may be.
        NotFound: There is no such model.
        UnsupportedMediaType: Such files are not read here.
        ModelUnavailable: The model cannot be opened now.
        NotSupported: The model cannot be served.
        RepositoryUnavailable: The repository cannot be read now.
    """
    if not found.size:
        raise BadRequest(EMPTY)
    model = _model(batch, found.key, models)
    if version not in {None, model.version}:
        model = models(model.name, version)
    form = file_form(found.key.rpartition("/")[2])
    options = _options(model, batch.options, found.metadata)
    options = resolved(options, form, model.config.key)
    return InputFile(
        number=number,
        key=found.key,
        size=found.size,
        etag=found.etag,
        object_version=found.version,
        model=model.name,
        version=model.version,
        form=input_form(form, options),
        options=options,
        answer=answer_form(form, options),
    )


def _model(batch: Batch, key: str, models: Descriptions) -> Model | Described:
    if batch.model is not None:
        return models(batch.model, batch.version)
    said = input_key(key)
    try:
        return models(said.model, said.version)
    except NotFound as error:
        if said.version is None:
            raise
        raise NotFound(f"{error}; in a key, digits after the model are its version, not a folder") from error


def _options(model: Model | Described, asked: BatchOptions, metadata: Mapping[str, str]) -> BatchOptions:
    return merged(model.config.batch, metadata_options(metadata), asked)
