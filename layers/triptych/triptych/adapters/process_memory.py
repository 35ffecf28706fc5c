"""Memory of this process."""

from __future__ import annotations

import re
import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")
_KILOBYTES = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)

RESERVE = 100 << 20
"""Bytes of the function's memory left to mapped libraries and to the process that decodes Parquet."""


def anonymous_memory() -> int:
    """Gives the bytes that this process holds in memory of its own, mapped files left out.

    Where the system does not tell (outside Linux), the most that it ever held.
    """
    if not _STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _status().get("RssAnon", 0)


def bound_memory(size: int) -> None:
    """Makes allocations fail where they would take more memory than there is.

    Without it the system ends the process: the caller learns nothing, and the environment is lost.
    Where the system does not tell what is used (outside Linux), nothing is bounded.

    Args:
        size: Bytes of memory that the function has.
    """
    if not _STATUS.exists():
        return
    status = _status()
    unused = status["VmData"] - status["RssAnon"]  # set aside by now, such as stacks: counts in the limit
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (unused + size - RESERVE, hard))


def _status() -> dict[str, int]:
    return {name: int(kilobytes) * 1024 for name, kilobytes in _KILOBYTES.findall(_STATUS.read_text())}
