"""What container tests stand on: a Docker engine, a base image and the built application."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from local.build import TEMPLATE, ensure_built
from local.stack import StackInfo
from tests.sam.emulated import emulated
from tests.sam.sam_local import SamLocal, docker
from tests.support.job_events import Event, Invoke

OFFICIAL_IMAGE = "public.ecr.aws/lambda/python:3.13"
STAND_IN_IMAGE = "triptych-lambda-stand-in:3.13"
PULLING_SECONDS = 180

IMAGE = pytest.StashKey[str]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Returns which base image the containers ran."""
    if IMAGE in config.stash:
        terminalreporter.write_line(f"Container tests ran in {config.stash[IMAGE]}")


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config) -> str:
    """AWS's base image where it is present or can be pulled, else the stand-in for it."""
    if not _engine_answers():
        _give_up("no Docker engine answers to `docker info`")
    official = _has(OFFICIAL_IMAGE) or _pull(OFFICIAL_IMAGE)
    if not official and not _has(STAND_IN_IMAGE):
        _give_up(f"{OFFICIAL_IMAGE} cannot be pulled and there is no stand-in: run `make stand-in` as root")
    pytestconfig.stash[IMAGE] = OFFICIAL_IMAGE if official else STAND_IN_IMAGE
    return pytestconfig.stash[IMAGE]


@pytest.fixture(scope="session")
def sam(image: str) -> SamLocal:
    """`sam local` on the application, built from what the sources are now."""
    ensure_built()
    return SamLocal(TEMPLATE, image)


@pytest.fixture(scope="session")
def api(sam: SamLocal) -> Iterator[str]:
    """`host:port` of the application's API, served by `sam local start-api`."""
    with sam.api() as address:
        yield address


@pytest.fixture(scope="session")
def invoke(image: str, stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Invoke]:
    """Invokes a function in a container; tables, buckets, queues and topics are those of the stack."""
    directory = tmp_path_factory.mktemp("relay")
    with emulated(stack, image, directory) as sam:

        def invoked(function: str, event: Event) -> Any:  # noqa: ANN401 - JSON
            file = directory / "event.json"
            file.write_text(json.dumps(event))
            return sam.invoke(function, file)

        yield invoked


def _give_up(reason: str) -> NoReturn:
    """Skips where containers are optional, fails in CI, where they are promised."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _engine_answers() -> bool:
    try:
        return docker("info").returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _has(image: str) -> bool:
    return docker("image", "inspect", image).returncode == 0


def _pull(image: str) -> bool:
    try:
        return docker("pull", "--quiet", image, seconds=PULLING_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False
