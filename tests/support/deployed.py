"""The built application, deployed to an emulator of the tests' own."""

from collections.abc import Iterator

from local.build import ensure_built
from local.deploy import LOCAL_PARAMETERS, deploy
from local.emulator import Emulator
from local.stack import StackInfo
from local.up import serving


def deployed(emulator: Emulator, **parameters: str) -> Iterator[StackInfo]:
    """Starts the emulator, gives the stack that is deployed to it, and stops it.

    The variable `SERVING` of the environment says who runs the models, where a test does not.
    """
    ensure_built()
    try:
        emulator.start()
        values = LOCAL_PARAMETERS | serving() | parameters
        yield deploy(emulator.aws(), emulator.directory / "deploy.log", values)
    finally:
        emulator.stop()
