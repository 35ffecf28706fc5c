"""What end-to-end tests stand on: the built application, deployed to emulators of the tests' own."""

from collections.abc import Callable, Iterator

import pytest

from local.emulator import Emulator
from local.stack import StackInfo
from local.up import form
from tests.support.deployed import deployed
from tests.support.dropped_files import DroppedFiles

SAID = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Returns what tests measured."""
    for line in config.stash.get(SAID, []):
        terminalreporter.write_line(line)


@pytest.fixture
def say(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Has a line shown when all tests are done."""
    return pytestconfig.stash.setdefault(SAID, []).append


@pytest.fixture(scope="session")
def guarded_emulator(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    """An emulator that checks signatures and the permissions of roles, as AWS does."""
    return Emulator(tmp_path_factory.mktemp("guarded-stack"), authorize=True)


@pytest.fixture(scope="session")
def guarded_stack(guarded_emulator: Emulator) -> Iterator[StackInfo]:
    """The application on the emulator that checks permissions."""
    yield from deployed(guarded_emulator)


@pytest.fixture(scope="session")
def split_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """The application whose models another function runs, on an emulator that checks permissions."""
    emulator = Emulator(tmp_path_factory.mktemp("split-stack"), authorize=True)
    yield from deployed(emulator, **form("Microservices"))


@pytest.fixture(scope="session")
def files(guarded_stack: StackInfo) -> Iterator[DroppedFiles]:
    """Files of the application whose roles are held to what they may do."""
    with DroppedFiles(guarded_stack) as files:
        yield files
