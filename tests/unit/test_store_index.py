"""The state of every version."""

from pathlib import Path

import pytest
from triptych.errors import RepositoryUnavailable
from triptych.models.storage import StoredModel, StoredVersion
from triptych.models.store import IndexEntry

from tests.unit.fakes.world import MB, REFRESH, World


def test_index_tries_every_version(world: World) -> None:
    """The index loads what was never tried, and tells the reason of what cannot be loaded."""
    world.add("bad", 1, "corrupt")
    world.storage.contents["empty"] = {}
    entries = [
        IndexEntry("bad", 1, "UNAVAILABLE", "the model cannot be opened: it is corrupt", "", "bucket"),
        IndexEntry("empty", None, "UNAVAILABLE", "no version is complete: each needs a model.onnx"),
        IndexEntry("iris", 2, "READY", "", "Irises", "bucket"),
        IndexEntry("iris", 1, "READY", "", "Irises", "bucket"),
    ]
    world.storage.configs["iris"] = "description = 'Irises'"
    world.storage.kind = "bucket"
    assert entries == world.store.index()
    opened = list(world.sessions.opened)
    assert entries == world.store.index()
    assert opened == world.sessions.opened


def test_index_without_time_tries_nothing(world: World) -> None:
    """Without time, the index tells only what is known, and what never was tried is unknown."""
    world.store.get("iris", 1)
    expected = [
        IndexEntry("iris", 2, "UNKNOWN", "not loaded yet", "", "directory"),
        IndexEntry("iris", 1, "READY", "", "", "directory"),
    ]
    assert expected == world.store.index(seconds=0)


def test_index_stops_trying_when_its_time_is_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loads that take long leave the rest of the index unknown."""
    fetch = world.storage.fetch

    def slow_fetch(version: StoredVersion) -> Path:
        world.clock.advance(6)
        return fetch(version)

    monkeypatch.setattr(world.storage, "fetch", slow_fetch)
    assert [("iris", 2, "READY"), ("iris", 1, "UNKNOWN")] == world.states()


def test_index_leaves_long_downloads_alone(world: World) -> None:
    """A version that may not arrive in the time of the index is not fetched by it."""
    world.add("large", 1, "large", graph=MB, weights=400 * MB)
    assert [("iris", 2, "READY"), ("iris", 1, "READY"), ("large", 1, "UNKNOWN")] == world.states()
    assert 1 == world.store.get("large").version
    assert ("large", 1, "READY") in world.states()


def test_index_closes_no_model_in_use(world: World) -> None:
    """Trying versions for the index neither closes open models, nor outlives the need of others."""
    world.add("used", 1, "used", graph=40 * MB)  # 68 of 100 MB
    world.add("large", 1, "large", graph=20 * MB)
    world.store.get("used")
    expected = [("iris", 2, "READY"), ("iris", 1, "READY"), ("large", 1, "UNKNOWN"), ("used", 1, "READY")]
    assert expected == world.states()
    assert "used" in world.sessions.alive
    world.store.get("large")
    assert "large" in world.sessions.alive


def test_index_makes_no_room_on_the_disk(world: World) -> None:
    """A full disk leaves what is not on it unknown; no open model is closed for the index."""
    world.storage.room = 1
    world.store.get("iris", 1)
    assert [("iris", 2, "UNKNOWN"), ("iris", 1, "READY")] == world.states()
    assert ["iris 1"] == world.sessions.alive


def test_what_the_index_tried_is_closed_first(world: World) -> None:
    """A model that only the index opened is the first to go when a request needs room."""
    world.add("used", 1, "used", graph=20 * MB)
    world.store.get("used")
    world.store.index()
    assert ["iris 1", "iris 2", "used"] == world.sessions.alive
    world.add("next", 1, "next", graph=34 * MB)
    world.clock.advance(REFRESH)
    world.store.get("next")
    assert ["next", "used"] == world.sessions.alive


def test_closed_models_stay_ready_in_the_index(world: World) -> None:
    """A version that was closed for others is still one that can be loaded."""
    for name in ("a", "b"):
        world.add(name, 1, name, graph=40 * MB)
        world.store.get(name)
    assert ["b"] == world.sessions.alive
    states = world.states()
    assert ("a", 1, "READY") in states
    assert ("b", 1, "READY") in states


def test_index_of_a_place_that_breaks(world: World) -> None:
    """A model whose versions cannot be listed, or not be fetched, is unknown, with the reason."""
    assert ["iris"] == [entry.name for entry in world.store.index(seconds=0)[:1]]
    world.storage.broken = "access is denied"
    expected = [
        IndexEntry("iris", 2, "UNKNOWN", "access is denied", "", "directory"),
        IndexEntry("iris", 1, "UNKNOWN", "access is denied", "", "directory"),
    ]
    assert expected == world.store.index()


def test_index_of_a_model_never_listed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose name is known and whose versions are not has one entry without a version."""

    def unreadable(model: str) -> StoredModel:
        raise RepositoryUnavailable(f"{model} cannot be listed")

    monkeypatch.setattr(world.storage, "stored", unreadable)
    assert [IndexEntry("iris", None, "UNKNOWN", "iris cannot be listed")] == world.store.index()
