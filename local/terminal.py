"""Questions to the person at the terminal."""

import sys

from rich.console import Console

from local.failure import LocalFailure


def ask(console: Console, question: str, default: str = "") -> str:
    """Ask for one line.

    Args:
        console: Where the question is shown.
        question: What is asked for.
        default: The answer to an empty line.

    Returns:
        The answer without spaces around it.

    Raises:
        LocalFailure: Nobody can answer, because standard input is no terminal.
    """
    if not sys.stdin.isatty():
        raise LocalFailure(f'"{question}" cannot be asked without a terminal: YES=1 asks nothing')
    console.print(question, f" \\[{default}]: " if default else ": ", sep="", end="")
    return input().strip() or default
