"""A place that holds models: a directory, or a prefix of a bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A complete version of a model in a place.

    Attributes:
        model: Name of the model.
        version: Number of the version.
        fingerprint: Changes whenever any file of the version, or its `model.toml`, changes.
        size: Bytes of all its files.
    """

    model: str
    version: int
    fingerprint: str
    size: int


class ModelPlace(Protocol):
    """Holds model versions as `<model>/<version>/model.onnx`, with an optional `<model>/model.toml`."""

    def models(self) -> Sequence[str]:
        """Lists the names of the models here, sorted.

        Raises:
            RepositoryUnavailable: The place cannot be read now.
        """
        ...

    def versions(self, model: str) -> Mapping[int, StoredVersion]:
        """Lists the complete versions of a model; none when the place does not have it.

        Raises:
            RepositoryUnavailable: The place cannot be read now.
        """
        ...

    def config(self, model: str) -> str | None:
        """Reads the text of the model's `model.toml`, if there is one.

        Raises:
            RepositoryUnavailable: The place cannot be read now.
        """
        ...

    def fetch(self, version: StoredVersion) -> Path:
        """Brings a version to the local disk, once.

        Returns:
            The directory that holds its `model.onnx`.

        Raises:
            ModelUnavailable: It does not fit, or changed or went away meanwhile.
            RepositoryUnavailable: The place cannot be read now.
        """
        ...
