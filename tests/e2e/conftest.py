"""What end-to-end tests stand on: the built application, deployed to emulators of the tests' own."""

from collections.abc import Callable, Iterator

import pytest

from local.build import ensure_built
from local.deploy import deploy
from local.emulator import Emulator
from local.jobs import Jobs
from local.stack import StackInfo

SAID = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what tests measured."""
    for line in config.stash.get(SAID, []):
        terminalreporter.write_line(line)


@pytest.fixture
def say(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Has a line shown when all tests are done."""
    return pytestconfig.stash.setdefault(SAID, []).append


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """The application on an emulator that lets everything pass, which is how `make up` runs it."""
    yield from _deployed(Emulator(tmp_path_factory.mktemp("stack")))


@pytest.fixture(scope="session")
def guarded_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """The application on an emulator that checks signatures and the permissions of roles, as AWS does."""
    yield from _deployed(Emulator(tmp_path_factory.mktemp("guarded-stack"), authorize=True))


@pytest.fixture(scope="session")
def jobs(stack: StackInfo) -> Iterator[Jobs]:
    """A client of the stack's jobs."""
    with Jobs(stack.api_url, stack.api_key) as client:
        yield client


def _deployed(emulator: Emulator) -> Iterator[StackInfo]:
    ensure_built()
    try:
        emulator.start()
        yield deploy(emulator.aws(), emulator.directory / "deploy.log")
    finally:
        emulator.stop()
