"""Command line: `python -m local up|down|demo`."""

import argparse
import sys

from rich.console import Console

from local.demo import demo
from local.down import down
from local.failure import LocalFailure
from local.up import guide, up


def main() -> int:
    """Run one command.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m local", description="The stack on this machine")
    parser.add_argument("command", choices=["up", "down", "demo"])
    command = parser.parse_args().command
    console = Console(soft_wrap=True, highlight=False)
    try:
        match command:
            case "up":
                console.print(guide(up(console)), markup=False)
            case "down":
                down(console)
            case "demo":
                demo(console)
    except LocalFailure as failure:
        console.print("[bold red]failed:[/] ", end="")
        console.print(str(failure), markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
