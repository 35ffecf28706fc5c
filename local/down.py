"""`make down`: stops what `make up` started."""

import sys
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from local.emulator import Emulator
from local.stack import StackInfo
from local.terminal import ask
from local.up import STACK_FILE, STATE

_CONTENTS = {
    "model.onnx": ("ModelBucket", "model versions"),
    ".out": ("OutputBucket", "files of predictions"),
}


def down(console: Console, *, yes: bool = False) -> None:
    """Stop the emulator, if it is ours and runs, and forget the stack that was deployed to it.

    The emulator keeps everything in memory. Before anything is lost, a person at a terminal is asked.

    Args:
        console: Where the outcome is shown.
        yes: Do not ask.
    """
    emulator = Emulator(STATE)
    was_running = emulator.running()
    if was_running and STACK_FILE.exists():
        lost = contents(STACK_FILE)
        if lost and not _agreed(console, lost, yes=yes):
            console.print("it goes on running")
            return
    emulator.stop()
    STACK_FILE.unlink(missing_ok=True)
    console.print("the emulator is stopped" if was_running else "nothing was running")


def contents(stack_file: Path) -> dict[str, int]:
    """Count what a person has put into a stack, or got from it.

    Args:
        stack_file: What `make up` wrote about the stack.

    Returns:
        Numbers of files by what they are, without zeros; nothing if the stack does not answer.
    """
    counts: dict[str, int] = {}
    try:
        stack = StackInfo.read(stack_file)
        for ending, (output, what) in _CONTENTS.items():
            pages = stack.aws().s3().get_paginator("list_objects_v2").paginate(Bucket=stack.outputs[output])
            keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
            counts[what] = sum(key.endswith(ending) for key in keys)
    except (BotoCoreError, ClientError, TypeError):  # it does not work, or an earlier version wrote the file
        return {}
    return {what: count for what, count in counts.items() if count}


def _agreed(console: Console, lost: Mapping[str, int], *, yes: bool) -> bool:
    listed = ", ".join(f"{what}: {count}" for what, count in lost.items())
    console.print(
        f"the local stack is in memory and goes with all that is in it ({listed}, and jobs)", markup=False
    )
    if yes or not sys.stdin.isatty():  # a script that stops it means it
        return True
    return ask(console, "Stop it? y or n", "n").lower() in {"y", "yes"}
