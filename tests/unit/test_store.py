"""Models that are found, loaded, kept open and replaced."""

import logging
from pathlib import Path

import pytest
from triptych.errors import ModelUnavailable, NotFound, NotSupported, RepositoryUnavailable
from triptych.models.config import SessionSettings
from triptych.models.model import Model
from triptych.models.storage import StoredVersion

from tests.unit.fakes.sessions import ContentSession
from tests.unit.fakes.world import REFRESH, World


def served(model: Model) -> tuple[str, int]:
    """Which version a model is."""
    return model.name, model.version


def test_newest_version_by_default(world: World) -> None:
    """Without a version, the highest is served; with one, that one."""
    assert ("iris", 2) == served(world.store.get("iris"))
    assert ("iris", 1) == served(world.store.get("iris", 1))
    assert ["iris 2", "iris 1"] == world.sessions.opened


def test_loaded_once(world: World) -> None:
    """A model is loaded on first use, and stays the same object however it is asked for."""
    first = world.store.get("iris")
    world.clock.advance(10 * REFRESH)
    assert first is world.store.get("iris")
    assert first is world.store.get("iris", 2)
    assert ["iris 2"] == world.sessions.opened
    assert [("iris", 2)] == world.loaded


def test_unknown_model_and_version(world: World) -> None:
    """What is not in the repository is not found."""
    with pytest.raises(NotFound, match="unknown model 'rose'"):
        world.store.get("rose")
    with pytest.raises(NotFound, match="unknown version 3 of model 'iris'"):
        world.store.get("iris", 3)
    with pytest.raises(NotFound, match="unknown model 'rose'"):
        world.store.versions("rose")


def test_versions_are_listed_unopened(world: World) -> None:
    """The versions of a model can be listed without loading any."""
    assert [2, 1] == world.store.versions("iris")
    assert [] == world.sessions.opened


def test_settings_and_config_reach_the_model(world: World) -> None:
    """A model is opened as its `model.toml` says, and as the function chooses where it says nothing."""
    world.storage.configs["iris"] = "key = 'id'\n[session]\nweights = 'prepacked'"
    model = world.store.get("iris")
    assert isinstance(model.session, ContentSession)
    assert SessionSettings(threads=2, weights="prepacked") == model.session.settings
    assert model.config.key == "id"


def test_load_time_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The load time covers bringing the files and opening them."""
    fetch = world.storage.fetch

    def slow_fetch(version: StoredVersion) -> Path:
        world.clock.advance(0.25)
        return fetch(version)

    monkeypatch.setattr(world.storage, "fetch", slow_fetch)
    world.store.get("iris")
    assert [pytest.approx(250)] == world.took


def test_new_version_is_served_without_a_deploy(world: World) -> None:
    """A version that was added is served once the listing is old; the former one can still be asked for."""
    world.store.get("iris")
    world.storage.contents["iris"][3] = "iris 3"
    assert 2 == world.store.get("iris").version
    world.clock.advance(REFRESH)
    assert 3 == world.store.get("iris").version
    assert 2 == world.store.get("iris", 2).version
    assert ["iris 2", "iris 3"] == world.sessions.opened


def test_removed_version_is_gone(world: World) -> None:
    """A version that was removed is no longer served once the listing is old."""
    world.store.get("iris")
    del world.storage.contents["iris"][2]
    world.clock.advance(REFRESH)
    assert 1 == world.store.get("iris").version
    with pytest.raises(NotFound):
        world.store.get("iris", 2)


def test_overwritten_version_is_loaded_again(world: World) -> None:
    """Other content under the same number replaces the open model, whose files are released."""
    world.store.get("iris", 2)
    world.storage.contents["iris"][2] = "iris 2 again"
    world.clock.advance(REFRESH)
    world.store.get("iris", 2)
    assert ["iris 2 again"] == world.sessions.alive
    assert 1 == world.storage.fetched["iris", 2]


def test_changed_config_is_applied(world: World) -> None:
    """A changed `model.toml` loads the model again."""
    assert world.store.get("iris").config.key is None
    world.storage.configs["iris"] = "key = 'id'"
    world.clock.advance(REFRESH)
    assert "id" == world.store.get("iris").config.key
    assert ["iris 2"] == world.sessions.alive


def test_lower_version_is_served_when_the_newest_fails(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A newest version that cannot be loaded costs no availability; asked for by number, it is an error."""
    world.storage.contents["iris"][3] = "corrupt 3"
    with caplog.at_level(logging.WARNING):
        assert 2 == world.store.get("iris").version
    assert "model 'iris' version 3 cannot be loaded" in caplog.text
    assert "version 2 is served" in caplog.text
    with pytest.raises(ModelUnavailable, match=r"model 'iris' version 3 cannot be loaded: .* corrupt"):
        world.store.get("iris", 3)


def test_failure_is_remembered_for_a_while(world: World) -> None:
    """A version that failed is not tried by each request, but again after a while."""
    world.storage.contents["iris"][3] = "corrupt 3"
    for _ in range(3):
        assert 2 == world.store.get("iris").version
        with pytest.raises(ModelUnavailable):
            world.store.get("iris", 3)
    assert ["corrupt 3", "iris 2"] == world.sessions.opened
    world.clock.advance(REFRESH)
    assert 2 == world.store.get("iris").version
    assert ["corrupt 3", "iris 2", "corrupt 3"] == world.sessions.opened
    assert [("iris", 3, "the model cannot be opened: it is corrupt")] * 2 == world.failed


def test_repaired_version_is_served(world: World) -> None:
    """A version that failed is served once its files have been replaced by good ones."""
    world.storage.contents["iris"][3] = "corrupt 3"
    assert 2 == world.store.get("iris").version
    world.storage.contents["iris"][3] = "iris 3"
    world.clock.advance(REFRESH)
    assert 3 == world.store.get("iris").version


def test_broken_content_replaces_good(world: World) -> None:
    """What is served is what the repository holds: good content that was overwritten is closed."""
    world.store.get("iris", 2)
    world.storage.contents["iris"][2] = "corrupt 2"
    world.clock.advance(REFRESH)
    with pytest.raises(ModelUnavailable, match="corrupt"):
        world.store.get("iris", 2)
    assert [] == world.sessions.alive
    assert 0 == world.storage.fetched["iris", 2]


def test_no_version_can_be_loaded(world: World) -> None:
    """When no version can be loaded, the error is the newest one's, and of its kind."""
    world.storage.contents["iris"] = {1: "corrupt 1", 2: "unsupported 2"}
    with pytest.raises(NotSupported, match=r"model 'iris' version 2 cannot be loaded: .* sequence"):
        world.store.get("iris")


def test_bad_config_fails_its_model_alone(world: World) -> None:
    """A `model.toml` that is wrong makes its model unavailable, and no other."""
    world.add("rose", 1, "rose 1")
    world.storage.configs["iris"] = "colums = ['a']"
    with pytest.raises(ModelUnavailable, match=r"model\.toml: unknown key 'colums'"):
        world.store.get("iris")
    assert 1 == world.store.get("rose").version


def test_unreadable_place_is_not_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A storage backend that cannot be read is tried again by the next request."""

    def unreadable(version: StoredVersion) -> Path:
        raise RepositoryUnavailable(f"version {version.version} cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(world.storage, "fetch", unreadable)
        with pytest.raises(RepositoryUnavailable, match="version 2 cannot be read"):
            world.store.get("iris", 2)
        with pytest.raises(RepositoryUnavailable, match="version 2 cannot be read"):
            world.store.get("iris")
    assert 2 == world.store.get("iris", 2).version
    assert [] == world.failed


def test_open_model_outlives_its_place(world: World) -> None:
    """A model that is open is served while its storage backend cannot be read."""
    world.store.get("iris")
    world.storage.broken = "access is denied"
    world.clock.advance(REFRESH)
    assert 2 == world.store.get("iris").version


def test_earlier_content_is_served_while_the_new_cannot_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A version that changed in a storage that breaks down is served as it was, until it can be read."""
    before = world.store.get("iris", 2)
    world.storage.contents["iris"][2] = "iris 2 again"
    world.clock.advance(REFRESH)

    def unreadable(version: StoredVersion) -> Path:
        raise RepositoryUnavailable(f"version {version.version} cannot be read")

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(world.storage, "fetch", unreadable)
        assert before is world.store.get("iris", 2)
    assert "its earlier content is served" in caplog.text
    assert before is world.store.get("iris", 2)
    world.clock.advance(REFRESH)
    assert before is not world.store.get("iris", 2)


def test_preload(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Models are loaded ahead of requests; one that cannot be does not keep the function from starting."""
    world.add("bad", 1, "corrupt")
    with caplog.at_level(logging.WARNING):
        world.store.preload(["bad", "rose", "iris"])
    assert ["iris 2"] == world.sessions.alive
    assert "model rose is not preloaded: unknown model 'rose'" in caplog.text
    assert "model bad is not preloaded" in caplog.text


def test_preload_of_every_model(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A star stands for all models; a repository that cannot be read does not stop the start."""
    world.storage.broken = "the storage backend cannot be read"
    with caplog.at_level(logging.WARNING):
        world.store.preload(["*"])
    assert "not every model is preloaded" in caplog.text
    world.storage.broken = None
    world.store.preload(["*"])
    assert ["iris 2"] == world.sessions.alive
