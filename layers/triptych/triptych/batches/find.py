"""Finding the files of a batch, and everything about each before it is transformed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import orjson

from triptych.aws.objects import StoredObject, ahead
from triptych.batches.batch import Batch, BatchSource
from triptych.batches.file import InputFile
from triptych.batches.images import ImageList, is_image, is_list_of_images
from triptych.batches.keys import file_form, input_key, is_folder, manifest_key
from triptych.batches.store import BatchStorage
from triptych.batches.submission import all_keys
from triptych.errors import BadRequest, NotFound
from triptych.models.config import ModelConfig, parse_model_config
from triptych.models.model import Model
from triptych.models.repository import ModelRepository
from triptych.rows.options import answer_form, input_form, merged, metadata_options, resolved
from triptych.rows.table import EMPTY

_AT_ONCE = 16
"""Files that are looked at at once."""

Models = Callable[[str, int | None], Model]
"""Returns an open model by name and version; None is the latest that opens."""


class Described(NamedTuple):
    """What is known of a model without opening it."""

    name: str
    version: int
    config: ModelConfig


Descriptions = Callable[[str, int | None], Model | Described]
"""Describes a model by name and version; None is the latest."""


def descriptions(repository: ModelRepository) -> Descriptions:
    """Describes the models of a repository without opening them."""

    def describe(model: str, version: int | None) -> Described:
        listing = repository.listing(model)
        candidate = listing.candidates(version)[0]
        return Described(model, candidate.stored.version, parse_model_config(candidate.config() or ""))

    return describe


def find_files(storage: BatchStorage, source: BatchSource) -> Iterator[StoredObject | str | None]:
    """Finds files in the order of the list, or of their keys, so that the caller can stop at any time.

    Yields:
        Each file; the key alone of one that was listed by the caller and is not there; None for one that is
        left out: it is not new, or was removed meanwhile.

    Raises:
        BadRequest: The list of keys has been deleted.
    """
    inputs = storage.inputs
    if source.prefix is None:
        yield from ahead(lambda key: inputs.find(key) or key, all_keys(storage.work, source), _AT_ONCE)
        return
    images = ImageList()
    keys = _files_of(inputs.list(source.prefix), images)
    yield from ahead(partial(_new, storage) if source.only_new else inputs.find, keys, _AT_ONCE)
    if found := images.file(source.prefix):
        yield None if source.only_new and _is_done(storage, found) else found


def _files_of(listed: Iterator[StoredObject], images: ImageList) -> Iterator[str]:
    """Yields the keys of files, and sets images apart, which are one file together."""
    for found in listed:
        if is_image(found.key):
            images.add(found)
        elif not is_folder(found.key):
            yield found.key


def input_file(
    batch: Batch, number: int, found: StoredObject, models: Descriptions, version: int | None = None
) -> InputFile:
    """Finds the model of a file and its options; raises what describing a model does.

    The version is fixed here, as all chunks are run with the same; `version` is that which has transformed a
    part of the file already.

    Raises:
        BadRequest: The file is empty, or its key or options are not what they may be.
    """
    if not found.size:
        raise BadRequest(EMPTY)
    model = _model(batch, found.key, models)
    if version not in {None, model.version}:
        model = models(model.name, version)
    form = file_form(found.key.rpartition("/")[2])
    options = merged(model.config.batch, metadata_options(found.metadata), batch.options)
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


def _new(storage: BatchStorage, key: str) -> StoredObject | None:
    """Returns a file unless its manifest says that it was transformed as it is, or cannot be."""
    found = storage.inputs.find(key)
    return None if found is None or _is_done(storage, found) else found


def _is_done(storage: BatchStorage, found: StoredObject) -> bool:
    manifest = storage.outputs.get(manifest_key(found.key))
    if manifest is None:
        return False
    match orjson.loads(manifest):
        case {"error": {"retryable": True}}:
            return False
        case {"input": {"etag": found.etag, **known}}:
            return known.get("version") == found.version
        case _:
            return False


def _model(batch: Batch, key: str, models: Descriptions) -> Model | Described:
    if batch.model is not None:
        return models(batch.model, batch.version)
    if is_list_of_images(key) and "/" not in (batch.source.prefix or key):
        raise BadRequest(f"images: expected a model, or a prefix that names one, such as {key[:-6]}")
    named = input_key(key)
    try:
        return models(named.model, named.version)
    except NotFound as error:
        if named.version is None:
            raise
        raise NotFound(f"{error}; in a key, digits after the model are its version, not a folder") from error
