"""Storage backends of models: what each does, and models in a directory.

A directory is the models layer, a mounted file system, or a folder on a developer's machine.
`models/bucket.py` has models in a bucket.
"""

from __future__ import annotations

from collections.abc import Container, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, override

from triptych.errors import ModelUnavailable, RepositoryUnavailable
from triptych.protocol.names import is_model_name, is_version

GRAPH_FILES = ("model.onnx", "onnx/model.onnx")
"""The file that makes a version complete, the first that is there; whoever adds a version writes it last."""
CONFIG_FILE = "model.toml"
CODE_FILE = "model.py"
"""Code beside a model; it runs from a directory only, which was deployed, and never from a bucket."""

StorageKind = Literal["directory", "bucket"]


def is_side_file(path: str) -> bool:
    """Returns whether a file of a version is one that a task reads: not its graph, and no weights."""
    return path.endswith((".json", ".txt"))


def graph_among(files: Container[str]) -> str | None:
    """Returns which of a version's files, by their paths in it, is its graph; None where it has none yet."""
    return next((path for path in GRAPH_FILES if path in files), None)


def graph_in(directory: Path) -> Path:
    """Returns the graph of the version in a directory."""
    here = [path for path in GRAPH_FILES if (directory / path).is_file()]
    return directory / (graph_among(here) or GRAPH_FILES[0])


class StoredVersion(NamedTuple):
    """A complete version of a model in a storage backend.

    Attributes:
        model: Name of the model.
        version: Number of the version.
        fingerprint: Changes whenever any file of the version changes.
        size: Bytes of all its files.
        graph_size: Bytes of its graph; the rest are external weights, and files such as `tokenizer.json`.
        elsewhere: Bytes of files that are not brought here, because another function loads them.
    """

    model: str
    version: int
    fingerprint: str
    size: int
    graph_size: int
    elsewhere: int = 0


class StoredCode(NamedTuple):
    """A `model.py`.

    Attributes:
        path: Where it is.
        fingerprint: Changes whenever it changes.
    """

    path: Path
    fingerprint: str


class StoredModel(NamedTuple):
    """What a storage backend holds of one model.

    Attributes:
        versions: Its complete versions by number; none when the storage backend does not have it.
        config: Fingerprint of its `model.toml`; None when there is none. Apart from the versions', so
            that a changed setting does not bring gigabytes of weights again.
        code: The `model.py` of versions by number; under None that of all others.
        ignores_code: Whether there is one that is not run, because anybody may have put it there.
    """

    versions: Mapping[int, StoredVersion] = {}
    config: str | None = None
    code: Mapping[int | None, StoredCode] = {}
    ignores_code: bool = False


class NoRoom(ModelUnavailable):
    """There is room for the version, on disk or in memory, only when models that are open are closed."""


class ModelStorage(Protocol):
    """Holds model versions as `<model>/<version>/model.onnx`, with an optional `<model>/model.toml`.

    Exports for Hugging Face have the graph in a folder: `<model>/<version>/onnx/model.onnx`.

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
            The directory that holds its files.

        Raises:
            NoRoom: It fits only when other versions have been released.
            ModelUnavailable: It never fits, or changed or went away meanwhile.
            RepositoryUnavailable: The storage backend cannot be read now.
        """
        ...

    def release(self, version: StoredVersion) -> None:
        """Ends one `fetch` of this version: its files may go when others need the room."""
        ...


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
            directory = self._directory / model
            folders = [path for path in _folders(directory) if is_version(path.name)]
            found = [_version(model, path) for path in folders if graph_in(path).is_file()]
            return StoredModel(
                {version.version: version for version in found},
                _fingerprint_of(directory / CONFIG_FILE),
                _code({None: directory, **{int(path.name): path for path in folders}}),
            )

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
        graph_size=graph_in(directory).stat().st_size,
    )


def _code(folders: Mapping[int | None, Path]) -> dict[int | None, StoredCode]:
    paths = {number: folder / CODE_FILE for number, folder in folders.items()}
    found = ((number, path, _fingerprint_of(path)) for number, path in paths.items())
    return {number: StoredCode(path, content) for number, path, content in found if content is not None}


def _fingerprint_of(file: Path) -> str | None:
    return _fingerprint([file], file.parent) if file.is_file() else None


def _fingerprint(files: Sequence[Path], directory: Path) -> str:
    known = ((path.relative_to(directory), path.stat()) for path in files)
    return "\0".join(f"{path}\0{status.st_size}\0{status.st_mtime_ns}" for path, status in known)


@contextmanager
def _readable() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise RepositoryUnavailable(f"a directory of models cannot be read: {error.strerror}") from error
