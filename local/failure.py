"""The message of a failed command, instead of a stack trace."""

from pathlib import Path


class LocalFailure(Exception):
    """A step failed in a way that its message explains to a person."""


def tail(path: Path, lines: int = 30) -> str:
    """Read the end of a log file.

    Args:
        path: The file; it may be missing.
        lines: How many lines at most.

    Returns:
        The last lines, or a note that there are none.
    """
    if not path.exists():
        return f"(there is no {path})"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
