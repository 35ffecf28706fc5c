"""Models that take longer to load than a request has time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from triptych.clock import Deadline
from triptych.errors import ModelLoading, ModelUnavailable
from triptych.models import session
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.loader import Background
from triptych.models.model import VersionFiles
from triptych.models.session import OnnxSession, open_session
from triptych.models.storage import StoredVersion

from tests.support.realtime import Call, RealtimeFunction, add_model
from tests.support.tiny_models import sum_and_difference
from tests.unit.fakes.sessions import ContentSession
from tests.unit.fakes.world import REFRESH, World

ENOUGH = 30.0


def no_time() -> Deadline:
    """The end of a request whose time is over."""
    return Deadline.after(0)


def enough() -> Deadline:
    """The end of a request that has time."""
    return Deadline.after(ENOUGH)


class Gate:
    """Something slow: it begins, and goes on when a test says so."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()

    def pass_through(self) -> None:
        """Waits until it may go on."""
        self.entered.release()
        assert self.open.wait(ENOUGH)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is open at the end, so that no thread waits for ever."""
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def slow_download(world: World, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Bringing version 2 of the model to the disk is slow."""
    fetch = world.storage.fetch

    def slow(version: StoredVersion) -> Path:
        if version.version == 2:
            gate.pass_through()
        return fetch(version)

    monkeypatch.setattr(world.storage, "fetch", slow)
    return gate


def slow_opening(world: World, gate: Gate) -> None:
    """Opening a file is slow: it cannot be interrupted."""
    call = world.sessions.__call__

    def slow(files: VersionFiles, config: ModelConfig, settings: SessionSettings) -> ContentSession:
        gate.pass_through()
        return call(files, config, settings)

    world.open_session = slow
    world.__post_init__()


def test_a_download_goes_on_with_the_next_request(world: World, slow_download: Gate) -> None:
    """Requests without time for it are told to come again; all of them wait for one download."""
    for _ in range(3):
        with pytest.raises(
            ModelLoading, match=r"model 'iris' version 2 \(0 MB\) is being loaded, which goes on"
        ):
            world.store.get("iris", 2, no_time())
    slow_download.open.set()
    assert 2 == world.store.get("iris", 2, enough()).version
    assert [("iris", 2)] == world.storage.fetches
    assert ([("iris", 2)], [], ["iris 2"]) == (world.loaded, world.failed, world.sessions.opened)


def test_an_opening_goes_on_with_the_next_request(world: World, gate: Gate) -> None:
    """The session that the first request began to make is the one that a later request gets."""
    slow_opening(world, gate)
    with pytest.raises(ModelLoading):
        world.store.get("iris", None, no_time())
    assert gate.entered.acquire(timeout=ENOUGH)
    gate.open.set()
    model = world.store.get("iris", None, enough())
    assert model is world.store.get("iris", None, no_time())  # open now: no time is needed
    assert ["iris 2"] == world.sessions.opened


def test_a_lower_version_is_served_meanwhile(world: World, slow_download: Gate) -> None:
    """Where one is open: no caller waits for the new one, and it takes over once it is loaded."""
    assert 1 == world.store.get("iris", 1).version
    assert 1 == world.store.get("iris", None, Deadline.after(0.02)).version
    assert slow_download.entered.acquire(timeout=ENOUGH)
    assert 1 == world.store.get("iris", None, no_time()).version  # not waited for again for a while
    slow_download.open.set()
    assert 2 == world.store.get("iris", 2, enough()).version
    world.clock.advance(REFRESH)
    assert 2 == world.store.get("iris", None, enough()).version


def test_no_lower_version_is_loaded_in_its_place(world: World, slow_download: Gate) -> None:
    """It would take the time and the memory of the one that is being loaded."""
    with pytest.raises(ModelLoading):
        world.store.get("iris", None, no_time())
    assert slow_download.entered.acquire(timeout=ENOUGH)
    assert [] == world.storage.fetches


def test_half_of_the_time_is_left_for_the_lower_version(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has to be run in the same request."""
    waited: list[float] = []

    def late(_background: object, _key: object, _work: object, deadline: Deadline) -> None:
        waited.append(deadline.remaining)
        raise TimeoutError

    monkeypatch.setattr(Background, "result", late)
    with pytest.raises(ModelLoading):
        world.store.get("iris", None, Deadline.after(100))
    world.store.get("iris", 1)
    assert 1 == world.store.get("iris", None, Deadline.after(100)).version
    assert [100, 50] == [pytest.approx(seconds, abs=5) for seconds in waited]


def test_a_failure_is_told_to_the_next_request(world: World, gate: Gate) -> None:
    """Loading that fails after its request is a failure like any other."""
    slow_opening(world, gate)
    world.add("bad", 1, "corrupt")
    with pytest.raises(ModelLoading):
        world.store.get("bad", None, no_time())
    gate.open.set()
    with pytest.raises(ModelUnavailable, match=r"model 'bad' version 1 cannot be loaded: .* it is corrupt"):
        world.store.get("bad", None, enough())
    assert ["corrupt"] == world.sessions.opened


def test_other_models_are_served_meanwhile(world: World, slow_download: Gate) -> None:
    """Loading one model does not keep open ones from answering, nor others from being loaded."""
    world.add("rose", 1, "rose 1")
    with pytest.raises(ModelLoading):
        world.store.get("iris", None, no_time())
    assert slow_download.entered.acquire(timeout=ENOUGH)
    assert 1 == world.store.get("rose", None, enough()).version
    assert 1 == world.store.get("rose", None, no_time()).version


def test_the_index_tries_nothing_meanwhile(world: World, slow_download: Gate) -> None:
    """It would wait for the same disk, and load the same version twice."""
    with pytest.raises(ModelLoading):
        world.store.get("iris", None, no_time())
    assert slow_download.entered.acquire(timeout=ENOUGH)
    assert [("iris", 2, "UNKNOWN"), ("iris", 1, "UNKNOWN")] == world.states()
    slow_download.open.set()
    world.store.get("iris", None, enough())
    assert [("iris", 2, "READY"), ("iris", 1, "READY")] == world.states()


def test_the_answer_says_when_to_come_again(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After; a real model is open for a later request."""

    def slow(model: Path, settings: SessionSettings) -> OnnxSession:
        gate.pass_through()
        return open_session(model, settings)

    monkeypatch.setattr(session, "open_session", slow)
    add_model(tmp_path, "pair", sum_and_difference())
    function = RealtimeFunction(tmp_path)
    event = Call("GET", "/v2/models/{model}/ready", {"model": "pair"}).event()
    for _ in range(2):
        answer = function.handle(event, milliseconds=0)
        assert (503, "2") == (answer.status, answer.headers["Retry-After"])
        assert "model 'pair' version 1 (0 MB) is being loaded, which goes on: try again" == answer.error
    gate.open.set()
    assert 200 == function.handle(event).status
