"""Models in a bucket: added without a deploy, larger than a layer can be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import override

from triptych.aws.bucket_reader import BucketReader
from triptych.aws.failures import CHANGED, Failures, errors_for
from triptych.aws.objects import StoredObject
from triptych.errors import ModelUnavailable, RepositoryUnavailable
from triptych.models.disk_cache import ModelCache
from triptych.models.storage import (
    CODE_FILE,
    CONFIG_FILE,
    ModelStorage,
    StorageKind,
    StoredModel,
    StoredVersion,
    graph_among,
    is_side_file,
)
from triptych.protocol.names import is_model_name, is_version

_CHANGED = "changed while it was being read; try again"

MODELS = Failures(
    "a bucket of models cannot be read",
    RepositoryUnavailable,
    errors_for(CHANGED, ModelUnavailable, _CHANGED),
)
"""Failures of a bucket of models."""

Files = dict[str, StoredObject]
"""The objects of one version by their path in it."""


class BucketStorage(ModelStorage):
    """Models as `s3://<bucket>/<prefix>/<model>/<version>/model.onnx`.

    A version is served once its graph is there: upload that file last, and rather add a version than
    overwrite one.

    Args:
        bucket: The bucket, whose failures are `MODELS`.
        prefix: Where the models are in it; may be empty.
        cache: Keeps what was downloaded.
        graphs: Whether versions are brought with graph and weights; else another function loads those.
    """

    kind: StorageKind = "bucket"

    def __init__(self, bucket: BucketReader, prefix: str, cache: ModelCache, *, graphs: bool = True) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/".removeprefix("/")
        self._cache = cache
        self._graphs = graphs

    @override
    def models(self) -> Sequence[str]:
        return sorted(name for name in self._bucket.folders(self._prefix) if is_model_name(name))

    @override
    def stored(self, model: str) -> StoredModel:
        """Lists what is here of a model, with one request for each thousand files."""
        prefix = f"{self._prefix}{model}/"
        objects = self._bucket.list(prefix)
        config = next((found.etag for found in objects if found.key == prefix + CONFIG_FILE), None)
        found = (self._stored(model, number, files) for number, files in _versions(objects, prefix).items())
        return StoredModel(
            {stored.version: stored for stored in found if stored is not None},
            config,
            ignores_code=any(_is_code(found.key.removeprefix(prefix)) for found in objects),
        )

    @override
    def config(self, model: str) -> str | None:
        content = self._bucket.get(f"{self._prefix}{model}/{CONFIG_FILE}")
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError as error:
            raise ModelUnavailable("model.toml: expected UTF-8 text") from error

    @override
    def fetch(self, version: StoredVersion) -> Path:
        """Downloads a version, unless that was done before, and keeps it until it is released."""
        return self._cache.fetch(
            self._key(version), version.size, lambda directory: self._download(version, directory)
        )

    @override
    def release(self, version: StoredVersion) -> None:
        self._cache.release(self._key(version))

    def _key(self, version: StoredVersion) -> str:
        path = f"{self._bucket.name}/{self._prefix}{version.model}/{version.version}"
        identity = f"{path}#{version.fingerprint}{'' if self._graphs else '#'}"
        return f"{version.model}-{version.version}-{sha256(identity.encode()).hexdigest()[:32]}"

    def _download(self, version: StoredVersion, directory: Path) -> None:
        prefix = f"{self._prefix}{version.model}/"
        objects = self._bucket.list(f"{prefix}{version.version}/")
        files = _versions(objects, prefix).get(version.version, {})
        if self._stored(version.model, version.version, files) != version:
            raise ModelUnavailable(_CHANGED)
        targets = {directory / path: found for path, found in self._brought(files).items()}
        for path in targets:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._bucket.download(targets)

    def _brought(self, files: Files) -> Files:
        return files if self._graphs else {path: files[path] for path in files if is_side_file(path)}

    def _stored(self, model: str, number: int, files: Files) -> StoredVersion | None:
        """Describes a version; None where its graph is not there yet."""
        graph = graph_among(files)
        if graph is None:
            return None
        digest = sha256()
        for path, found in sorted(files.items()):
            digest.update(f"{path}\0{found.etag}\0{found.size}\0".encode())
        all_of_it = sum(found.size for found in files.values())
        size = sum(found.size for found in self._brought(files).values())
        return StoredVersion(
            model=model,
            version=number,
            fingerprint=digest.hexdigest(),
            size=size,
            graph_size=files[graph].size if self._graphs else 0,
            elsewhere=all_of_it - size,
        )


def _versions(objects: Iterable[StoredObject], prefix: str) -> dict[int, Files]:
    """Sorts the objects of a model by version; a key that is not a plain relative path belongs to none.

    Nor does code: who may write to a bucket must not be able to run code.
    """
    versions: dict[int, Files] = defaultdict(dict)
    for found in objects:
        version, _, path = found.key.removeprefix(prefix).partition("/")
        if is_version(version) and _is_plain(path) and path != CODE_FILE:
            versions[int(version)][path] = found
    return {version: _without_folders(files) for version, files in versions.items()}


def _without_folders(files: Files) -> Files:
    """Leaves out what consoles write for a folder: an empty object with its name."""
    folders = {str(folder) for path in files for folder in PurePosixPath(path).parents}
    return {path: found for path, found in files.items() if path not in folders}


def _is_code(path: str) -> bool:
    version, _, file = path.rpartition("/")
    return file == CODE_FILE and (not version or is_version(version))


def _is_plain(path: str) -> bool:
    return all(part not in {"", ".", ".."} and "\0" not in part for part in path.split("/"))
