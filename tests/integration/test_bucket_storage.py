"""A bucket as a storage backend for models: what is listed, and what is brought to the disk."""

from pathlib import Path

import numpy as np
import pytest
from triptych.errors import ModelUnavailable
from triptych.models.bucket import BucketStorage
from triptych.models.disk_cache import ModelCache

from tests.integration.model_bucket import ModelBucket
from tests.integration.service import MB, RecordedBucket, Service
from tests.unit.fakes.clock import Clock


def test_large_object_comes_in_ranges(bucket: ModelBucket, tmp_path: Path) -> None:
    """Objects come in ranges of 16 MB, each pinned to the generation that was listed, and without HEAD."""
    content = np.random.default_rng(1).bytes(40 * MB)
    bucket.put("models/large/1/model.onnx", b"graph")
    bucket.put("models/large/1/weights.bin", content)
    service = Service(tmp_path / "cache", Clock(), RecordedBucket(bucket))
    directory = service.storage.fetch(service.storage.stored("large").versions[1])
    assert content == (directory / "weights.bin").read_bytes()
    assert b"graph" == (directory / "model.onnx").read_bytes()
    ranges = sorted(
        (request.range or "", request.etag)
        for request in service.reader.requests
        if request.key.endswith("weights.bin")
    )
    etag = bucket.client.head_object(Bucket=bucket.name, Key="models/large/1/weights.bin")["ETag"]
    spans = ["bytes=0-16777215", "bytes=16777216-33554431", "bytes=33554432-41943039"]
    assert [(span, etag) for span in spans] == ranges
    assert 0 == service.reader.count("HeadObject")


def test_empty_object(bucket: ModelBucket, service: Service) -> None:
    """An empty file, which has no ranges, is downloaded too."""
    bucket.put("models/m/1/model.onnx", b"graph")
    bucket.put("models/m/1/empty.bin", b"")
    directory = service.storage.fetch(service.storage.stored("m").versions[1])
    assert b"" == (directory / "empty.bin").read_bytes()


def test_change_before_the_download(bucket: ModelBucket, service: Service) -> None:
    """A version that changed since it was listed is not brought under its old fingerprint."""
    bucket.put_adder("adder/1", 1)
    listed = service.storage.stored("adder").versions[1]
    bucket.put_adder("adder/1", 2)
    with pytest.raises(ModelUnavailable, match="changed while it was being read; try again"):
        service.storage.fetch(listed)
    bucket.delete("models/adder/1/model.onnx")
    with pytest.raises(ModelUnavailable, match="changed while it was being read; try again"):
        service.storage.fetch(listed)
    assert [] == service.copies


def test_graph_in_a_folder(bucket: ModelBucket, service: Service) -> None:
    """What lies around `onnx/model.onnx` comes with it; it is complete with the graph."""
    beside = {"tokenizer.json": b"{}", "1_Pooling/config.json": b"mean", "onnx/model.onnx_data": b"weights"}
    for path, content in beside.items():
        bucket.put(f"models/m/1/{path}", content)
    assert {} == service.storage.stored("m").versions
    bucket.put("models/m/1/onnx/model.onnx", b"graph")
    version = service.storage.stored("m").versions[1]
    assert (18, 5) == (version.size, version.graph_size)
    directory = service.storage.fetch(version)
    fetched = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*.*")}
    assert {**beside, "onnx/model.onnx": b"graph"} == fetched
    bucket.put("models/m/1/tokenizer.json", b"[]")
    assert version.fingerprint != service.storage.stored("m").versions[1].fingerprint


@pytest.mark.parametrize("change", ["overwritten", "deleted"])
def test_change_during_the_download(bucket: ModelBucket, service: Service, change: str) -> None:
    """An object that changes between listing and range is never mixed with what came before."""
    key = "models/m/1/model.onnx"
    bucket.put(key, b"a" * 20 * MB)
    (found,) = service.reader.list("models/m/1/")
    if change == "overwritten":
        bucket.put(key, b"b" * 20 * MB)
    else:
        bucket.delete(key)
    target = service.cache / "model.onnx"
    service.cache.mkdir()
    with pytest.raises(ModelUnavailable, match="changed while it was being read; try again"):
        service.reader.download({target: found})
    assert not target.exists()


def test_keys_never_leave_the_directory(bucket: ModelBucket, service: Service) -> None:
    """Keys that would lead elsewhere, and folder markers, are not part of a version."""
    bucket.put_adder("adder/1", 1)
    for path in ("../../escape", "a/../../escape", "/absolute", "a//b", "./here", "folder/", "", ".."):
        bucket.put(f"models/adder/1/{path}", b"x")
    bucket.put("models/adder/2/../1/model.onnx", b"x")
    bucket.put("models/../adder/1/model.onnx", b"x")
    version = service.storage.stored("adder").versions
    directory = service.storage.fetch(version[1])
    assert ["model.onnx"] == [path.name for path in directory.rglob("*")]
    assert [1] == list(version)
    assert ["adder"] == service.storage.models()


def test_nested_files_and_other_folders(bucket: ModelBucket, service: Service) -> None:
    """Files below a version belong to it; what is not a version, or another model's, does not."""
    bucket.put("models/m/1/model.onnx", b"graph")
    bucket.put("models/m/1/weights/part.bin", b"weights")
    for key in ("m/01/model.onnx", "m/v2/model.onnx", "m/README.md", "mm/5/model.onnx", "_m/1/model.onnx"):
        bucket.put(f"models/{key}", b"x")
    stored = service.storage.stored("m")
    assert [(1, 12, 5)] == [(v.version, v.size, v.graph_size) for v in stored.versions.values()]
    assert b"weights" == (service.storage.fetch(stored.versions[1]) / "weights/part.bin").read_bytes()
    assert ["m", "mm"] == service.storage.models()


@pytest.mark.parametrize("prefix", ["", "/", "models", "models/", "/deep/models/"])
def test_prefixes(bucket: ModelBucket, tmp_path: Path, prefix: str) -> None:
    """Models may lie anywhere in the bucket, also at its root."""
    bucket.put(f"{prefix.strip('/')}/m/1/model.onnx".removeprefix("/"), b"graph")
    storage = BucketStorage(RecordedBucket(bucket), prefix, ModelCache(tmp_path / "cache"))
    assert "m" in storage.models()
    assert [1] == list(storage.stored("m").versions)
    assert b"graph" == (storage.fetch(storage.stored("m").versions[1]) / "model.onnx").read_bytes()


def test_more_than_a_page(bucket: ModelBucket, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listings that take several requests are complete."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "5")
    for number in range(1, 13):
        bucket.put(f"models/m{number}/1/model.onnx", b"x")
        bucket.put(f"models/m/{number}/model.onnx", b"x")
    assert set(range(1, 13)) == set(service.storage.stored("m").versions)
    assert 3 == service.reader.count("ListObjectsV2")
    assert 13 == len(service.storage.models())


def test_config_is_text(bucket: ModelBucket, service: Service) -> None:
    """A `model.toml` is read as UTF-8; another encoding makes the model unavailable."""
    assert service.storage.config("m") is None
    bucket.put("models/m/model.toml", "description = 'ä'".encode())
    assert "description = 'ä'" == service.storage.config("m")
    bucket.put("models/m/model.toml", b"description = '\xff'")
    with pytest.raises(ModelUnavailable, match=r"model\.toml: expected UTF-8 text"):
        service.storage.config("m")
