"""Command line: `python -m local up|down|demo|env|redrive|smoke|transform`."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from local.demo import demo
from local.down import down
from local.env import exports
from local.failure import LocalFailure
from local.find import find
from local.redrive import redrive
from local.smoke import smoke
from local.transform import transform
from local.up import guide, up


def main() -> int:
    """Run one command.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m local", description="The stack on this machine")
    parser.add_argument("command", choices=["up", "down", "demo", "env", "redrive", "smoke", "transform"])
    parser.add_argument("--stack", help="env, redrive, smoke: a stack of your account")
    parser.add_argument("--yes", action="store_true", help="down: do not ask")
    parser.add_argument("--dry-run", action="store_true", help="redrive: only say what would be done")
    parser.add_argument("--model", help="transform: name of the model")
    parser.add_argument("--file", type=Path, help="transform: the file")
    parser.add_argument("--option", action="append", default=[], help="transform: an option, name=value")
    arguments = parser.parse_args()
    console = Console(soft_wrap=True, highlight=False)
    try:
        match arguments.command:
            case "up":
                console.print(guide(up(console)), markup=False)
            case "down":
                down(console, yes=arguments.yes)
            case "demo":
                demo(console)
            case "env":
                print(exports(find(arguments.stack)))
            case "smoke":
                smoke(console, arguments.stack)
            case "redrive":
                redrive(console, arguments.stack, dry_run=arguments.dry_run)
            case "transform":
                if not arguments.model or not arguments.file:
                    parser.error("transform: expected --model and --file")
                transform(console, arguments.model, arguments.file, arguments.option)
    except LocalFailure as failure:
        console.print("[bold red]failed:[/] ", end="")
        console.print(str(failure), markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
