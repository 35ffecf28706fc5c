"""The processes that an emulator runs functions in."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from local.emulator import Emulator


def kill_workers(emulator: Emulator, function: str) -> int:
    """Kills what a function runs in, as Lambda does where memory is short; gives how many processes.

    Args:
        emulator: Whose processes; others that run a function of this name are left alone.
        function: Name of the function.
    """
    session = int(emulator.process_file.read_text().split()[0])  # it began one, and functions stay in it
    named = f"AWS_LAMBDA_FUNCTION_NAME={function}".encode()
    killed = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if os.getsid(int(process.name)) == session and named in _variables(process):
                os.kill(int(process.name), signal.SIGKILL)
                killed += 1
    return killed


def _variables(process: Path) -> list[bytes]:
    return (process / "environ").read_bytes().split(b"\0")
