"""What end-to-end tests stand on: the built application, deployed to emulators of the tests' own."""

from collections.abc import Iterator

import pytest

from local.build import ensure_built
from local.deploy import deploy
from local.emulator import Emulator
from local.stack import StackInfo


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """The application on an emulator that lets everything pass, which is how `make up` runs it."""
    yield from _deployed(Emulator(tmp_path_factory.mktemp("stack")))


@pytest.fixture(scope="session")
def guarded_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """The application on an emulator that checks signatures and the permissions of roles, as AWS does."""
    yield from _deployed(Emulator(tmp_path_factory.mktemp("guarded-stack"), authorize=True))


def _deployed(emulator: Emulator) -> Iterator[StackInfo]:
    ensure_built()
    try:
        emulator.start()
        yield deploy(emulator.aws(), emulator.directory / "deploy.log")
    finally:
        emulator.stop()
