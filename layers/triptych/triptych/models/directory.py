"""Models in a directory: the models layer, a mounted file system, a folder on a developer's machine."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import override

from triptych.errors import ModelUnavailable, RepositoryUnavailable
from triptych.models.storage import (
    CONFIG_FILE,
    GRAPH_FILE,
    ModelStorage,
    StorageKind,
    StoredModel,
    StoredVersion,
)
from triptych.protocol.names import is_model_name, is_version


class DirectoryStorage(ModelStorage):
    """Models as `<directory>/<model>/<version>/model.onnx`; files are opened where they lie.

    Args:
        directory: The root; one that does not exist holds no models.
    """

    kind: StorageKind = "directory"

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @override
    def models(self) -> Sequence[str]:
        with _readable():
            return sorted(path.name for path in _folders(self._directory) if is_model_name(path.name))

    @override
    def stored(self, model: str) -> StoredModel:
        with _readable():
            found = [
                _version(model, path)
                for path in _folders(self._directory / model)
                if is_version(path.name) and (path / GRAPH_FILE).is_file()
            ]
            config = self._directory / model / CONFIG_FILE
            fingerprint = _fingerprint([config], config.parent) if config.is_file() else None
            return StoredModel({version.version: version for version in found}, fingerprint)

    @override
    def config(self, model: str) -> str | None:
        with _readable():
            try:
                return (self._directory / model / CONFIG_FILE).read_text("utf-8")
            except FileNotFoundError:
                return None
            except UnicodeDecodeError as error:
                raise ModelUnavailable("model.toml: expected UTF-8 text") from error

    @override
    def fetch(self, version: StoredVersion) -> Path:
        """Returns the directory of a version, which is here already."""
        return self._directory / version.model / str(version.version)

    @override
    def release(self, version: StoredVersion) -> None:
        """Leaves the files where they are: they are nobody's copy."""


def _folders(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return [path for path in directory.iterdir() if path.is_dir()]


def _version(model: str, directory: Path) -> StoredVersion:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return StoredVersion(
        model=model,
        version=int(directory.name),
        fingerprint=_fingerprint(files, directory),
        size=sum(path.stat().st_size for path in files),
        graph_size=(directory / GRAPH_FILE).stat().st_size,
    )


def _fingerprint(files: Sequence[Path], directory: Path) -> str:
    known = ((path.relative_to(directory), path.stat()) for path in files)
    return "\0".join(f"{path}\0{status.st_size}\0{status.st_mtime_ns}" for path, status in known)


@contextmanager
def _readable() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise RepositoryUnavailable(f"a directory of models cannot be read: {error.strerror}") from error
