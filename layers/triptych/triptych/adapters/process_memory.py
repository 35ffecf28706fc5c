"""Memory of this process."""

from __future__ import annotations

import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def anonymous_memory() -> int:
    """Gives the bytes that this process holds in memory of its own, mapped files left out.

    Where the system does not tell (outside Linux), the most that it ever held.
    """
    if not _STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for line in _STATUS.read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0
