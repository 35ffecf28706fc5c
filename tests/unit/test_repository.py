"""Several storage backends that look like one."""

import logging
from pathlib import Path

import pytest
from triptych.errors import NotFound, RepositoryUnavailable
from triptych.models.repository import REMEMBERED_MODELS, ModelRepository

from tests.unit.fakes.clock import Clock
from tests.unit.fakes.storage import MemoryStorage

REFRESH = 30.0


@pytest.fixture
def layer(tmp_path: Path) -> MemoryStorage:
    """The storage backend that is asked first."""
    return MemoryStorage(tmp_path / "layer", {"iris": {1: "layer 1", 2: "layer 2"}, "small": {1: "s"}})


@pytest.fixture
def bucket(tmp_path: Path) -> MemoryStorage:
    """The storage backend that is asked second."""
    return MemoryStorage(
        tmp_path / "bucket", {"iris": {2: "bucket 2", 10: "bucket 10"}, "big": {1: "b"}}, kind="bucket"
    )


@pytest.fixture
def clock() -> Clock:
    """Time."""
    return Clock()


@pytest.fixture
def repository(layer: MemoryStorage, bucket: MemoryStorage, clock: Clock) -> ModelRepository:
    """Both storage backends."""
    return ModelRepository([layer, bucket], REFRESH, clock)


def versions(repository: ModelRepository, model: str) -> list[int]:
    """The numbers of the versions of a model."""
    return [candidate.stored.version for candidate in repository.listing(model).candidates()]


def test_names_of_all_places(repository: ModelRepository) -> None:
    """The names are those of all storage backends, each once, sorted."""
    assert ["big", "iris", "small"] == repository.names()


def test_versions_of_all_places(repository: ModelRepository) -> None:
    """The versions are those of all storage backends, by number and not by text, the highest first."""
    assert [10, 2, 1] == versions(repository, "iris")


def test_the_earlier_place_wins(
    repository: ModelRepository, layer: MemoryStorage, bucket: MemoryStorage
) -> None:
    """The same version in two storage backends comes from the earlier one."""
    listing = repository.listing("iris")
    assert (listing.versions[2],) == listing.candidates(2)
    assert layer is listing.versions[2].storage
    assert bucket is listing.versions[10].storage
    assert [(), ("bucket",), ()] == [listing.versions[version].hidden for version in (1, 2, 10)]


def test_unknown_model(repository: ModelRepository) -> None:
    """A model that is nowhere is not found, and the message says where to look."""
    with pytest.raises(NotFound, match=r"unknown model 'rose'; POST /v2/repository/index lists"):
        repository.listing("rose").candidates()


@pytest.mark.parametrize("name", ["../iris", "/etc", "a/b", "", ".", "..", "a" * 129, "iris\0"])
def test_names_that_no_model_has(
    repository: ModelRepository, layer: MemoryStorage, bucket: MemoryStorage, name: str
) -> None:
    """A name that could be a path never reaches a storage backend."""
    with pytest.raises(NotFound):
        repository.listing(name)
    assert 0 == layer.listings.total() + bucket.listings.total()


def test_unknown_version(repository: ModelRepository) -> None:
    """A version that is nowhere is not found, and the message says which there are."""
    with pytest.raises(NotFound, match=r"unknown version 3 of model 'iris', which has 10, 2, 1"):
        repository.listing("iris").candidates(3)


def test_listing_is_believed_for_a_while(
    repository: ModelRepository, layer: MemoryStorage, clock: Clock
) -> None:
    """A fresh listing costs no look at the storage backends, and is the same object."""
    first = repository.listing("iris")
    clock.advance(REFRESH - 1)
    assert first is repository.listing("iris")
    assert 1 == layer.listings["iris"]


def test_unchanged_listing_stays_the_same_object(
    repository: ModelRepository, layer: MemoryStorage, clock: Clock
) -> None:
    """A look that finds nothing new keeps the object, so that what was derived from it stays valid."""
    first = repository.listing("iris")
    clock.advance(REFRESH)
    assert first is repository.listing("iris")
    assert 2 == layer.listings["iris"]


def test_new_version_is_noticed(repository: ModelRepository, bucket: MemoryStorage, clock: Clock) -> None:
    """A version that was added is there once the listing is old."""
    repository.listing("iris")
    bucket.contents["iris"][11] = "bucket 11"
    assert [10, 2, 1] == versions(repository, "iris")
    clock.advance(REFRESH)
    assert [11, 10, 2, 1] == versions(repository, "iris")


def test_new_model_is_noticed(repository: ModelRepository, bucket: MemoryStorage, clock: Clock) -> None:
    """That a model is unknown is believed for a while only, as is the list of names."""
    assert ["big", "iris", "small"] == repository.names()
    assert not repository.listing("rose").versions
    bucket.contents["rose"] = {1: "rose"}
    assert not repository.listing("rose").versions
    assert 1 == bucket.listings["rose"]
    clock.advance(REFRESH)
    assert [1] == versions(repository, "rose")
    assert ["big", "iris", "rose", "small"] == repository.names()


def test_unknown_names_do_not_fill_the_memory(repository: ModelRepository, layer: MemoryStorage) -> None:
    """Only so many listings are kept; the one looked up longest ago is forgotten."""
    for number in range(REMEMBERED_MODELS + 1):
        repository.listing(f"unknown-{number}")
    repository.listing(f"unknown-{REMEMBERED_MODELS}")
    repository.listing("unknown-0")
    assert 1 == layer.listings[f"unknown-{REMEMBERED_MODELS}"]
    assert 2 == layer.listings["unknown-0"]


def test_broken_place_hides_nothing_of_the_others(
    repository: ModelRepository, bucket: MemoryStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """Models of other storage backends are served while one cannot be read; the log says so."""
    bucket.broken = "access is denied"
    with caplog.at_level(logging.WARNING):
        assert [2, 1] == versions(repository, "iris")
        assert ["iris", "small"] == repository.names()
    assert 2 == caplog.text.count("access is denied")


def test_broken_place_is_not_asked_for_each_request(
    repository: ModelRepository, bucket: MemoryStorage
) -> None:
    """While a model is found elsewhere, a broken storage backend costs one look per refresh."""
    bucket.broken = "access is denied"
    repository.listing("iris")
    repository.listing("iris")
    assert 1 == bucket.listings["iris"]


def test_model_found_nowhere_while_a_place_is_broken(
    repository: ModelRepository, bucket: MemoryStorage
) -> None:
    """What a broken storage backend may hold is unavailable, not unknown; and that is not remembered."""
    bucket.broken = "access is denied"
    with pytest.raises(RepositoryUnavailable, match="access is denied"):
        repository.listing("big")
    with pytest.raises(RepositoryUnavailable, match="access is denied"):
        repository.listing("iris").candidates(10)
    bucket.broken = None
    assert [1] == versions(repository, "big")


def test_last_listing_is_used_while_a_place_is_broken(
    repository: ModelRepository, bucket: MemoryStorage, clock: Clock
) -> None:
    """What a storage backend held when it was last read is believed while it cannot be read."""
    repository.listing("iris")
    repository.names()
    clock.advance(REFRESH)
    bucket.broken = "access is denied"
    assert [10, 2, 1] == versions(repository, "iris")
    assert ["big", "iris", "small"] == repository.names()


def test_no_names_while_all_places_are_broken(
    repository: ModelRepository, layer: MemoryStorage, bucket: MemoryStorage
) -> None:
    """An empty repository and one that cannot be read are different things."""
    layer.broken = bucket.broken = "access is denied"
    with pytest.raises(RepositoryUnavailable, match="access is denied"):
        repository.names()


def test_config_of_the_own_place_first(
    repository: ModelRepository, layer: MemoryStorage, bucket: MemoryStorage
) -> None:
    """A version is configured by its own storage backend, else by the first that has a `model.toml`."""
    bucket.configs["iris"] = "key = 'bucket'"
    assert "key = 'bucket'" == repository.listing("iris").versions[1].config()
    layer.configs["small"] = "key = 'layer'"
    assert "key = 'layer'" == repository.listing("small").versions[1].config()
    assert repository.listing("big").versions[1].config() is None


def test_both_places_configure_their_own(
    repository: ModelRepository, layer: MemoryStorage, bucket: MemoryStorage
) -> None:
    """Where both have a `model.toml`, each counts for its own versions."""
    layer.configs["iris"], bucket.configs["iris"] = "key = 'layer'", "key = 'bucket'"
    listing = repository.listing("iris")
    assert ["key = 'bucket'", "key = 'layer'"] == [
        listing.versions[10].config(),
        listing.versions[1].config(),
    ]


def test_changed_config_changes_the_fingerprint(
    repository: ModelRepository, bucket: MemoryStorage, clock: Clock
) -> None:
    """A changed `model.toml` is noticed, also by the versions that borrow it from another storage backend."""
    bucket.configs["iris"] = "key = 'a'"
    before = repository.listing("iris")
    bucket.configs["iris"] = "key = 'b'"
    clock.advance(REFRESH)
    after = repository.listing("iris")
    assert before.versions[1].stored == after.versions[1].stored
    assert before.versions[1].fingerprint != after.versions[1].fingerprint
    assert before.versions[10].fingerprint != after.versions[10].fingerprint
