"""Models in a directory."""

from pathlib import Path

import pytest
from triptych.errors import ModelUnavailable, RepositoryUnavailable
from triptych.models.storage import DirectoryStorage, StoredModel, graph_in


@pytest.fixture
def storage(tmp_path: Path) -> DirectoryStorage:
    """A directory with one model in two versions."""
    write(tmp_path / "iris/1/model.onnx", "one")
    write(tmp_path / "iris/2/model.onnx", "second")
    write(tmp_path / "iris/2/weights/part.bin", "weights")
    return DirectoryStorage(tmp_path)


def write(path: Path, text: str) -> None:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def fingerprints(storage: DirectoryStorage) -> list[str]:
    """The fingerprints of the versions, the lowest first."""
    return [version.fingerprint for _, version in sorted(storage.stored("iris").versions.items())]


def test_versions_and_sizes(storage: DirectoryStorage) -> None:
    """Every complete version is listed with the size of all its files and of the graph alone."""
    found = [(v.version, v.size, v.graph_size) for _, v in sorted(storage.stored("iris").versions.items())]
    assert [(1, 3, 3), (2, 13, 6)] == found


def test_what_cannot_be_a_model_is_ignored(storage: DirectoryStorage, tmp_path: Path) -> None:
    """Files, hidden folders and folders with impossible names are neither models nor versions."""
    for path in ("README.md", ".git/1/model.onnx", "a b/1/model.onnx"):
        write(tmp_path / path, "x")
    for path in ("01", "0", "-1", "v3", "latest", "3.5"):
        write(tmp_path / "iris" / path / "model.onnx", "x")
    write(tmp_path / "iris/4", "a file")
    assert ["iris"] == storage.models()
    assert [1, 2] == sorted(storage.stored("iris").versions)


def test_version_without_graph_is_incomplete(storage: DirectoryStorage, tmp_path: Path) -> None:
    """A version is there once its `model.onnx` is."""
    write(tmp_path / "iris/3/weights.bin", "weights")
    assert [1, 2] == sorted(storage.stored("iris").versions)
    write(tmp_path / "iris/3/model.onnx", "three")
    assert [1, 2, 3] == sorted(storage.stored("iris").versions)


def test_graph_in_a_folder(storage: DirectoryStorage, tmp_path: Path) -> None:
    """Exports for Hugging Face have it in `onnx/`, files around it; a graph outside comes first."""
    for path in ("tokenizer.json", "1_Pooling/config.json", "onnx/model.onnx_data"):
        write(tmp_path / "iris/3" / path, "four")
    assert [1, 2] == sorted(storage.stored("iris").versions)
    write(tmp_path / "iris/3/onnx/model.onnx", "three")
    version = storage.stored("iris").versions[3]
    assert (17, 5) == (version.size, version.graph_size)
    assert tmp_path / "iris/3" == storage.fetch(version)
    assert tmp_path / "iris/3/onnx/model.onnx" == graph_in(tmp_path / "iris/3")
    write(tmp_path / "iris/3/model.onnx", "outside")
    assert tmp_path / "iris/3/model.onnx" == graph_in(tmp_path / "iris/3")
    assert 7 == storage.stored("iris").versions[3].graph_size


def test_fingerprint_follows_the_files(storage: DirectoryStorage, tmp_path: Path) -> None:
    """A version's fingerprint changes with any of its files, and only with them."""
    one, two = fingerprints(storage)
    assert [one, two] == fingerprints(storage)
    write(tmp_path / "iris/2/weights/part.bin", "other weights")
    write(tmp_path / "iris/model.toml", "key = 'id'")
    changed = fingerprints(storage)
    assert one == changed[0]
    assert two != changed[1]


def test_config(storage: DirectoryStorage, tmp_path: Path) -> None:
    """The `model.toml` is read as text, and its fingerprint follows it."""
    assert storage.config("iris") is None
    assert storage.stored("iris").config is None
    write(tmp_path / "iris/model.toml", "description = 'ä'")
    first = storage.stored("iris").config
    assert storage.config("iris") == "description = 'ä'"
    write(tmp_path / "iris/model.toml", "description = 'other'")
    assert first not in {None, storage.stored("iris").config}


def test_config_that_is_not_text(storage: DirectoryStorage, tmp_path: Path) -> None:
    """A `model.toml` in another encoding makes its model unavailable."""
    (tmp_path / "iris/model.toml").write_bytes(b"description = '\xff'")
    with pytest.raises(ModelUnavailable, match=r"model\.toml: expected UTF-8 text"):
        storage.config("iris")


def test_missing_directory_holds_nothing(tmp_path: Path) -> None:
    """A directory or model that does not exist holds no models."""
    storage = DirectoryStorage(tmp_path / "nowhere")
    assert [] == storage.models()
    assert StoredModel() == storage.stored("iris")
    assert storage.config("iris") is None


def test_fetch_copies_nothing(storage: DirectoryStorage, tmp_path: Path) -> None:
    """A version is opened where it lies, and stays when it is released."""
    version = storage.stored("iris").versions[2]
    assert tmp_path / "iris/2" == storage.fetch(version)
    storage.release(version)
    assert (tmp_path / "iris/2/model.onnx").exists()


def test_unreadable_directory(storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that cannot be read is an error that does not tell its path."""

    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", denied)  # permissions do not bind every user that runs tests
    with pytest.raises(RepositoryUnavailable) as caught:
        storage.models()
    assert str(caught.value) == "a directory of models cannot be read: Permission denied"


def test_code(storage: DirectoryStorage, tmp_path: Path) -> None:
    """A `model.py` counts for all versions but those that have their own, and its fingerprint follows it."""
    assert {} == storage.stored("iris").code
    write(tmp_path / "iris/model.py", "one")
    write(tmp_path / "iris/2/model.py", "two")
    code = storage.stored("iris").code
    assert {None: tmp_path / "iris/model.py", 2: tmp_path / "iris/2/model.py"} == {
        number: found.path for number, found in code.items()
    }
    write(tmp_path / "iris/model.py", "other")
    changed = storage.stored("iris").code
    assert code[None] != changed[None]
    assert code[2] == changed[2]
