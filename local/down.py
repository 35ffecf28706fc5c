"""`make down`: stops what `make up` started."""

from rich.console import Console

from local.emulator import Emulator
from local.up import STACK_FILE, STATE


def down(console: Console) -> None:
    """Stop the emulator, if it is ours and runs, and forget the stack that was deployed to it.

    Args:
        console: Where the outcome is shown.
    """
    emulator = Emulator(STATE)
    was_running = emulator.running()
    emulator.stop()
    STACK_FILE.unlink(missing_ok=True)
    console.print("the emulator is stopped" if was_running else "nothing was running")
