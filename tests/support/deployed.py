"""The built application, deployed to an emulator of the tests' own."""

from collections.abc import Iterator

from local.build import ensure_built
from local.deploy import deploy
from local.emulator import Emulator
from local.stack import StackInfo


def deployed(emulator: Emulator) -> Iterator[StackInfo]:
    """Starts the emulator, gives the stack that is deployed to it, and stops it."""
    ensure_built()
    try:
        emulator.start()
        yield deploy(emulator.aws(), emulator.directory / "deploy.log")
    finally:
        emulator.stop()
