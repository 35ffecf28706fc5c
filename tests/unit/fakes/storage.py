"""A storage backend that holds models in memory, and can break."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from triptych.errors import ModelUnavailable, RepositoryUnavailable
from triptych.models.storage import GRAPH_FILES, NoRoom, StorageKind, StoredModel, StoredVersion


@dataclass
class MemoryStorage:
    """Models as contents of `model.onnx` by name and version.

    Attributes:
        disk: Directory that versions are brought to.
        contents: Content of each version of each model.
        configs: Text of each model's `model.toml`.
        sizes: Size that a version claims to have, where it is not that of its content.
        room: Versions that the disk has room for at once.
        broken: Why nothing can be read, while it cannot.
        fetched: Versions in use: fetched and not released.
        fetches: Every version that was ever brought to the disk, in order.
        listings: How often each model was listed.
        kind: What it says it is.
    """

    disk: Path
    contents: dict[str, dict[int, str]] = field(default_factory=dict)
    configs: dict[str, str] = field(default_factory=dict)
    sizes: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    room: int = 1_000
    broken: str | None = None
    fetched: Counter[tuple[str, int]] = field(default_factory=Counter)
    fetches: list[tuple[str, int]] = field(default_factory=list)
    listings: Counter[str] = field(default_factory=Counter)
    kind: StorageKind = "directory"

    def models(self) -> Sequence[str]:
        """Lists the names."""
        self._check()
        return sorted(self.contents)

    def stored(self, model: str) -> StoredModel:
        """Lists the versions of a model, and counts that."""
        self.listings[model] += 1
        self._check()
        config = self.configs.get(model)
        return StoredModel(self._versions(model), None if config is None else _digest(config))

    def config(self, model: str) -> str | None:
        """Returns the model's `model.toml`."""
        self._check()
        return self.configs.get(model)

    def fetch(self, version: StoredVersion) -> Path:
        """Writes the content to the disk, while it has room."""
        self._check()
        if self._versions(version.model).get(version.version) != version:
            raise ModelUnavailable("changed while it was being read; try again")
        if self.fetched.total() >= self.room:
            raise NoRoom("no room")
        key = (version.model, version.version)
        self.fetched[key] += 1
        self.fetches.append(key)
        directory = self.disk / f"{version.model}-{version.version}-{version.fingerprint[:8]}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / GRAPH_FILES[0]).write_text(self.contents[version.model][version.version])
        return directory

    def release(self, version: StoredVersion) -> None:
        """Counts a version as used once less."""
        self.fetched[version.model, version.version] -= 1

    def _check(self) -> None:
        if self.broken is not None:
            raise RepositoryUnavailable(self.broken)

    def _versions(self, model: str) -> Mapping[int, StoredVersion]:
        return {
            number: self._version(model, number, content)
            for number, content in self.contents.get(model, {}).items()
        }

    def _version(self, model: str, number: int, content: str) -> StoredVersion:
        size, graph_size = self.sizes.get((model, number), (len(content), len(content)))
        return StoredVersion(model, number, _digest(content), size, graph_size)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
