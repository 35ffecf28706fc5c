"""What several unit tests stand on."""

from pathlib import Path

import pytest

from tests.support.workshop import Workshop
from tests.unit.fakes.storage import MemoryStorage
from tests.unit.fakes.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A store of a storage backend with one model in two versions."""
    return World(MemoryStorage(tmp_path, {"iris": {1: "iris 1", 2: "iris 2"}}))


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """All services of the asynchronous mode, with nothing to do."""
    return Workshop(tmp_path)
