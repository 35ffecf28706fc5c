"""Copies of versions on a disk of a known size."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from triptych.errors import ModelUnavailable
from triptych.models.disk_cache import PARTIAL, RESERVE, ModelCache, free_bytes
from triptych.models.storage import NoRoom

MB = 1 << 20


@dataclass
class Disk:
    """A directory that claims to lie on a small disk, which models and others share.

    Attributes:
        directory: The cache's directory.
        capacity: Bytes of the whole disk beside the reserve.
        fills: Keys of the copies that were made, in order.
    """

    directory: Path
    capacity: int = 10 * MB
    fills: list[str] = field(default_factory=list)

    def free(self, directory: Path) -> int:
        """Returns the free bytes, as the system would."""
        used = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        return RESERVE + self.capacity - used

    def fetch(self, cache: ModelCache, key: str, megabytes: int) -> Path:
        """Fetches a copy of that size, which is filled with one file."""

        def fill(directory: Path) -> None:
            self.fills.append(key)
            (directory / "model.onnx").write_bytes(bytes(megabytes * MB))

        return cache.fetch(key, megabytes * MB, fill)

    @property
    def copies(self) -> list[str]:
        """Names of everything in the directory but the lock."""
        return sorted(path.name for path in self.directory.iterdir() if path.is_dir())


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk with room for 10 MB."""
    return Disk(tmp_path / "cache")


@pytest.fixture
def cache(disk: Disk) -> ModelCache:
    """A cache on that disk."""
    return ModelCache(disk.directory, disk.free)


def test_copy_is_made_once(disk: Disk, cache: ModelCache) -> None:
    """A copy that is there is used, also by another process or after a restart."""
    first = disk.fetch(cache, "a", 1)
    assert first == disk.fetch(cache, "a", 1)
    assert first == disk.fetch(ModelCache(disk.directory, disk.free), "a", 1)
    assert ["a"] == disk.fills
    assert MB == (first / "model.onnx").stat().st_size


def test_least_recently_fetched_goes_first(disk: Disk, cache: ModelCache) -> None:
    """Copies not in use make room, the one not fetched for the longest time first."""
    for key in ("a", "b", "c", "a"):
        disk.fetch(cache, key, 3)
        cache.release(key)
    disk.fetch(cache, "d", 4)
    assert ["a", "c", "d"] == disk.copies


def test_no_more_is_deleted_than_needed(disk: Disk, cache: ModelCache) -> None:
    """What fits beside the others deletes none."""
    for key in ("a", "b", "c"):
        disk.fetch(cache, key, 3)
        cache.release(key)
    disk.fetch(cache, "d", 1)
    assert ["a", "b", "c", "d"] == disk.copies


def test_copies_in_use_stay(disk: Disk, cache: ModelCache) -> None:
    """A copy in use is not deleted; when only such are left, others must be released first."""
    disk.fetch(cache, "a", 4)
    disk.fetch(cache, "b", 4)
    cache.release("b")
    disk.fetch(cache, "c", 5)
    assert ["a", "c"] == disk.copies
    with pytest.raises(NoRoom, match="beside the models in use"):
        disk.fetch(cache, "d", 3)
    assert ["a", "c"] == disk.copies
    cache.release("a")
    disk.fetch(cache, "d", 3)
    assert ["c", "d"] == disk.copies


def test_copy_is_in_use_as_often_as_it_was_fetched(disk: Disk, cache: ModelCache) -> None:
    """Two users of a copy both release it before it may go."""
    disk.fetch(cache, "a", 6)
    disk.fetch(cache, "a", 6)
    cache.release("a")
    with pytest.raises(NoRoom):
        disk.fetch(cache, "b", 6)
    cache.release("a")
    disk.fetch(cache, "b", 6)
    assert ["b"] == disk.copies


def test_what_never_fits_is_refused(disk: Disk, cache: ModelCache) -> None:
    """A version larger than the disk deletes nothing, and the message says what would help."""
    disk.fetch(cache, "a", 4)
    cache.release("a")
    with pytest.raises(ModelUnavailable) as caught:
        disk.fetch(cache, "b", 11)
    expected = (
        "needs 11.0 MB on the local disk, which has room for 10.0 MB; raise the function's EphemeralStorage"
    )
    assert expected == str(caught.value)
    assert not isinstance(caught.value, NoRoom)
    assert ["a"] == disk.copies


def test_a_reserve_stays_free(disk: Disk, cache: ModelCache) -> None:
    """Models leave room for what the function itself writes."""
    disk.fetch(cache, "a", 10)
    assert disk.free(disk.directory) == RESERVE


def test_failed_copy_leaves_nothing(disk: Disk, cache: ModelCache) -> None:
    """A download that fails half way leaves neither a copy nor a part of one."""

    def fail(directory: Path) -> None:
        (directory / "model.onnx").write_bytes(b"half")
        raise ModelUnavailable("changed while it was being read; try again")

    with pytest.raises(ModelUnavailable, match="changed"):
        cache.fetch("a", 1, fail)
    assert [] == disk.copies
    disk.fetch(cache, "a", 1)
    assert ["a"] == disk.copies


def test_what_a_crash_left_is_removed(disk: Disk, cache: ModelCache) -> None:
    """Half a download of a process that is gone does not keep its room."""
    left = disk.directory / f"{PARTIAL}crashed"
    left.mkdir(parents=True)
    (left / "model.onnx").write_bytes(bytes(9 * MB))
    disk.fetch(cache, "a", 9)
    assert ["a"] == disk.copies


def test_two_processes_take_turns(disk: Disk) -> None:
    """Two that want the same version at the same time download it once."""
    caches = [ModelCache(disk.directory, disk.free) for _ in range(2)]
    both = threading.Barrier(2)

    def fetch(cache: ModelCache) -> Path:
        both.wait()
        return disk.fetch(cache, "a", 1)

    with ThreadPoolExecutor() as threads:
        first, second = threads.map(fetch, caches)
    assert first == second
    assert ["a"] == disk.fills


def test_disk_that_cannot_be_written(tmp_path: Path) -> None:
    """A directory that cannot be made is an error of the model, without the path."""
    (tmp_path / "file").write_text("in the way")
    cache = ModelCache(tmp_path / "file" / "cache")
    with pytest.raises(ModelUnavailable) as caught:
        cache.fetch("a", 1, lambda _: None)
    assert str(caught.value) == "cannot be written to the local disk: Not a directory"


def test_free_bytes_are_those_of_the_disk(tmp_path: Path) -> None:
    """The real probe tells a plausible number."""
    assert 0 < free_bytes(tmp_path)
