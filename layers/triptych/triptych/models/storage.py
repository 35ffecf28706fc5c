"""Storage backends of models: a directory, or a prefix of a bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from triptych.errors import ModelUnavailable

GRAPH_FILE = "model.onnx"
"""The file that makes a version complete; whoever adds a version writes it last."""
CONFIG_FILE = "model.toml"

StorageKind = Literal["directory", "bucket"]


class StoredVersion(NamedTuple):
    """A complete version of a model in a storage backend.

    Attributes:
        model: Name of the model.
        version: Number of the version.
        fingerprint: Changes whenever any file of the version changes.
        size: Bytes of all its files.
        graph_size: Bytes of its `model.onnx`; the rest are external weights.
    """

    model: str
    version: int
    fingerprint: str
    size: int
    graph_size: int


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What a storage backend holds of one model.

    Attributes:
        versions: Its complete versions by number; none when the storage backend does not have it.
        config: Fingerprint of its `model.toml`; None when there is none. Apart from the versions', so
            that a changed setting does not bring gigabytes of weights again.
    """

    versions: Mapping[int, StoredVersion] = field(default_factory=dict[int, StoredVersion])
    config: str | None = None


class NoRoom(ModelUnavailable):
    """There is room for the version, on disk or in memory, only when models that are open are closed."""


class ModelStorage(Protocol):
    """Holds model versions as `<model>/<version>/model.onnx`, with an optional `<model>/model.toml`.

    Attributes:
        kind: What it is.
    """

    kind: StorageKind

    def models(self) -> Sequence[str]:
        """Lists the names of the models here, sorted.

        Raises:
            RepositoryUnavailable: The storage backend cannot be read now.
        """
        ...

    def stored(self, model: str) -> StoredModel:
        """Lists what is here of a model, whose name has been checked.

        Raises:
            RepositoryUnavailable: The storage backend cannot be read now.
        """
        ...

    def config(self, model: str) -> str | None:
        """Reads the text of the model's `model.toml`, if there is one.

        Raises:
            ModelUnavailable: It is not text.
            RepositoryUnavailable: The storage backend cannot be read now.
        """
        ...

    def fetch(self, version: StoredVersion) -> Path:
        """Brings a version to the local disk, once, and keeps it there until it is released.

        Returns:
            The directory that holds its `model.onnx`.

        Raises:
            NoRoom: It fits only when other versions have been released.
            ModelUnavailable: It never fits, or changed or went away meanwhile.
            RepositoryUnavailable: The storage backend cannot be read now.
        """
        ...

    def release(self, version: StoredVersion) -> None:
        """Ends one `fetch` of this version: its files may go when others need the room."""
        ...
