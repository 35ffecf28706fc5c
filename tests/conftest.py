"""What tests of the deployed application share, in containers and out of them."""

from collections.abc import Iterator

import pytest

import tests.support.properties  # noqa: F401 - profiles are known before the command line is read
from local.emulator import Emulator
from local.jobs import Jobs
from local.stack import StackInfo
from tests.support.deployed import deployed


def pytest_itemcollected(item: pytest.Item) -> None:
    """Sends tests of one deployed stack to one worker, because each worker deploys its own.

    (When all items are collected is too late: pytest-xdist has read the marks by then.)
    """
    fixtures = getattr(item, "fixturenames", ()) if item.path.parent.name in {"e2e", "sam"} else ()
    for fixture in ("guarded_stack", "split_stack", "stack"):
        if fixture in fixtures:
            item.add_marker(pytest.mark.xdist_group(fixture))
            break


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with tests of deployed stacks, which wait more than they compute: others fill the processors."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """The application on an emulator that lets everything pass, which is how `make up` runs it."""
    yield from deployed(Emulator(tmp_path_factory.mktemp("stack")))


@pytest.fixture(scope="session")
def jobs(stack: StackInfo) -> Iterator[Jobs]:
    """A client of the stack's jobs."""
    with Jobs(stack) as client:
        yield client
