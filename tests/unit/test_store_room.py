"""Models that are closed because memory or disk is short."""

import pytest
from triptych.errors import ModelUnavailable
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.loader import Runtime
from triptych.models.memory import MemoryBudget
from triptych.models.model import VersionFiles
from triptych.models.repository import ModelRepository
from triptych.models.store import ModelStore

from tests.unit.fakes.sessions import ContentSession
from tests.unit.fakes.world import BUDGET, MB, REFRESH, World


def test_least_recently_used_is_closed_for_memory(world: World) -> None:
    """Models are closed before the budget is exceeded: the one not used for the longest time first."""
    for name in ("a", "b", "c"):
        world.add(name, 1, name, graph=20 * MB)  # 30 MB each as they are read in, and 8 MB more
    world.store.get("a")
    world.store.get("b")
    world.store.get("a")
    world.store.get("c")
    assert ["a", "c"] == world.sessions.alive
    assert 0 == world.storage.fetched["b", 1]
    world.store.get("b")
    assert ["b", "c"] == world.sessions.alive


def test_room_is_made_before_a_model_is_opened(world: World) -> None:
    """The old are closed before the new one takes its memory, not after."""
    for name in ("a", "b"):
        world.add(name, 1, name, graph=40 * MB)
    alive_while_opening: list[list[str]] = []
    open_session = world.sessions.__call__

    def watched(files: VersionFiles, config: ModelConfig, settings: SessionSettings) -> ContentSession:
        alive_while_opening.append(world.sessions.alive)
        return open_session(files, config, settings)

    repository = ModelRepository([world.storage], REFRESH, world.clock)
    store = ModelStore(
        repository,
        Runtime(watched, SessionSettings()),
        MemoryBudget(BUDGET, world.sessions.process_memory),
    )
    store.get("a")
    store.get("b")
    assert [[], []] == alive_while_opening


def test_mapped_weights_take_little_memory(world: World) -> None:
    """Weights in files of their own count in part when mapped, in full when read in."""
    for name in ("a", "b", "c"):
        world.add(name, 1, name, graph=MB, weights=60 * MB)
        world.store.get(name)
    assert ["a", "b", "c"] == world.sessions.alive
    for name in ("a", "b", "c"):
        world.storage.configs[name] = "[session]\nweights = 'prepacked'"
    world.clock.advance(REFRESH)
    for name in ("a", "b", "c"):
        world.store.get(name)
    assert ["c"] == world.sessions.alive


def test_measured_memory_counts(world: World) -> None:
    """A model that turns out larger than its file lets others be closed, and is remembered as large."""
    world.sessions.memory = {"forest": 95 * MB}
    world.add("forest", 1, "forest", graph=MB)
    world.store.get("iris")
    world.store.get("forest")
    assert ["forest"] == world.sessions.alive
    world.store.get("iris")
    assert ["iris 2"] == world.sessions.alive
    world.store.get("forest")
    assert ["forest"] == world.sessions.alive


def test_model_larger_than_the_memory(world: World) -> None:
    """A model that cannot fit is refused before it is fetched, with what would help; others stay open."""
    world.store.get("iris")
    world.add("huge", 1, "huge", graph=1000 * MB)
    with pytest.raises(
        ModelUnavailable, match=r"needs about 1508 MB of memory, and 100 MB are .* MemorySize"
    ):
        world.store.get("huge")
    assert ["iris 2"] == world.sessions.alive
    assert [("iris", 2)] == world.storage.fetches


def test_models_are_closed_for_room_on_the_disk(world: World) -> None:
    """When the disk is full of models that are open, the least recently used are closed."""
    world.storage.room = 2
    world.add("a", 1, "a")
    world.add("b", 1, "b")
    world.store.get("iris")
    world.store.get("a")
    world.store.get("iris")
    world.store.get("b")
    assert ["b", "iris 2"] == world.sessions.alive
    world.storage.room = 0
    with pytest.raises(ModelUnavailable, match="no room"):
        world.store.get("a")


def test_files_of_what_cannot_be_opened_are_released(world: World) -> None:
    """A version that cannot be opened does not keep its files on the disk."""
    world.add("bad", 1, "corrupt")
    with pytest.raises(ModelUnavailable):
        world.store.get("bad")
    assert 0 == world.storage.fetched["bad", 1]
