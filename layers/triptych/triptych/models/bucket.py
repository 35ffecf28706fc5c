"""A bucket, read only: listings, small texts, downloads in parallel ranges.

Models in a bucket: added without a deploy, larger than a layer can be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from triptych.aws import clients as aws_clients
from triptych.aws.s3_errors import s3_errors
from triptych.aws.transfer import S3Object, download
from triptych.errors import ModelUnavailable
from triptych.models.disk_cache import ModelCache
from triptych.models.storage import CONFIG_FILE, GRAPH_FILE, StorageKind, StoredModel, StoredVersion
from triptych.protocol.names import is_model_name, is_version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def s3_client() -> S3Client:
    """Makes a client of S3.

    Raises:
        RepositoryUnavailable: The environment's settings for AWS are not usable.
    """
    with s3_errors():
        return aws_clients.s3_client()


class S3Bucket:
    """Reads a bucket; every failure becomes an error that names neither bucket nor key.

    Args:
        name: Name of the bucket.
        client: Calls S3.
    """

    def __init__(self, name: str, client: S3Client) -> None:
        self._name = name
        self._client = client

    def folders(self, prefix: str) -> Sequence[str]:
        """Lists the folders right below a prefix, without slashes.

        Raises:
            RepositoryUnavailable: The bucket cannot be read now.
        """
        with s3_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=prefix, Delimiter="/"
            )
            found = [folder.get("Prefix", "") for page in pages for folder in page.get("CommonPrefixes", [])]
            return [folder[len(prefix) : -1] for folder in found]

    def objects(self, prefix: str) -> Sequence[S3Object]:
        """Lists all objects below a prefix.

        Raises:
            RepositoryUnavailable: The bucket cannot be read now.
        """
        with s3_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
            return [
                S3Object(found.get("Key", ""), found.get("ETag", ""), found.get("Size", 0))
                for page in pages
                for found in page.get("Contents", [])
            ]

    def read(self, key: str) -> bytes | None:
        """Reads a small object; None when there is none.

        Raises:
            RepositoryUnavailable: The bucket cannot be read now.
        """
        with s3_errors():
            try:
                return self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None

    def download(self, files: Mapping[Path, S3Object]) -> None:
        """Downloads objects to files, all at once, each in parallel ranges of the listed generation.

        Raises:
            ModelUnavailable: An object was changed or removed since it was listed.
            RepositoryUnavailable: The bucket cannot be read now.
            OSError: A file cannot be written.
        """
        with s3_errors():
            download(self._client, self._name, files)


Files = dict[str, S3Object]
"""The objects of one version by their path in it."""


def open_bucket(name: str) -> S3Bucket:
    """Makes the reader of a bucket."""
    return S3Bucket(name, s3_client())


class BucketStorage:
    """Models as `s3://<bucket>/<prefix>/<model>/<version>/model.onnx`.

    A version is served once its `model.onnx` is there: upload that file last, and rather add a version
    than overwrite one.

    Args:
        bucket: Name of the bucket.
        prefix: Where the models are in it; may be empty.
        cache: Keeps what was downloaded.
        opener: Makes the reader of the bucket, when it is first needed.
    """

    kind: StorageKind = "bucket"

    def __init__(
        self, bucket: str, prefix: str, cache: ModelCache, opener: Callable[[str], S3Bucket] = open_bucket
    ) -> None:
        self._name = bucket
        self._prefix = f"{prefix.strip('/')}/".removeprefix("/")
        self._cache = cache
        self._opener = opener

    @cached_property
    def _bucket(self) -> S3Bucket:
        return self._opener(self._name)

    def models(self) -> Sequence[str]:
        """Lists the names of the models here, sorted.

        Raises:
            RepositoryUnavailable: The bucket cannot be read now.
        """
        return sorted(name for name in self._bucket.folders(self._prefix) if is_model_name(name))

    def stored(self, model: str) -> StoredModel:
        """Lists what is here of a model, with one request for each thousand files.

        Raises:
            RepositoryUnavailable: The bucket cannot be read now.
        """
        prefix = f"{self._prefix}{model}/"
        objects = self._bucket.objects(prefix)
        config = next((found.etag for found in objects if found.key == prefix + CONFIG_FILE), None)
        versions = {
            number: _stored(model, number, files)
            for number, files in _versions(objects, prefix).items()
            if GRAPH_FILE in files
        }
        return StoredModel(versions, config)

    def config(self, model: str) -> str | None:
        """Reads the text of the model's `model.toml`, if there is one.

        Raises:
            ModelUnavailable: It is not text.
            RepositoryUnavailable: The bucket cannot be read now.
        """
        content = self._bucket.read(f"{self._prefix}{model}/{CONFIG_FILE}")
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError as error:
            raise ModelUnavailable("model.toml: expected UTF-8 text") from error

    def fetch(self, version: StoredVersion) -> Path:
        """Downloads a version, unless that was done before, and keeps it until it is released.

        Raises:
            NoRoom: It fits only when other versions have been released.
            ModelUnavailable: It never fits, or changed or went away meanwhile.
            RepositoryUnavailable: The bucket cannot be read now.
        """
        return self._cache.fetch(
            self._key(version), version.size, lambda directory: self._download(version, directory)
        )

    def release(self, version: StoredVersion) -> None:
        """Ends one `fetch` of this version."""
        self._cache.release(self._key(version))

    def _key(self, version: StoredVersion) -> str:
        identity = f"{self._name}/{self._prefix}{version.model}/{version.version}#{version.fingerprint}"
        return f"{version.model}-{version.version}-{sha256(identity.encode()).hexdigest()[:32]}"

    def _download(self, version: StoredVersion, directory: Path) -> None:
        prefix = f"{self._prefix}{version.model}/"
        objects = self._bucket.objects(f"{prefix}{version.version}/")
        files = _versions(objects, prefix).get(version.version, {})
        if GRAPH_FILE not in files or _stored(version.model, version.version, files) != version:
            raise ModelUnavailable("changed while it was being read; try again")
        targets = {directory / path: found for path, found in files.items()}
        for path in targets:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._bucket.download(targets)


def _versions(objects: Iterable[S3Object], prefix: str) -> dict[int, Files]:
    """Sorts the objects of a model by version; a key that is not a plain relative path belongs to none."""
    versions: dict[int, Files] = defaultdict(dict)
    for found in objects:
        version, _, path = found.key.removeprefix(prefix).partition("/")
        if is_version(version) and _is_plain(path):
            versions[int(version)][path] = found
    return versions


def _is_plain(path: str) -> bool:
    return all(part not in {"", ".", ".."} and "\0" not in part for part in path.split("/"))


def _stored(model: str, number: int, files: Files) -> StoredVersion:
    digest = sha256()
    for path, found in sorted(files.items()):
        digest.update(f"{path}\0{found.etag}\0{found.size}\0".encode())
    return StoredVersion(
        model=model,
        version=number,
        fingerprint=digest.hexdigest(),
        size=sum(found.size for found in files.values()),
        graph_size=files[GRAPH_FILE].size,
    )
