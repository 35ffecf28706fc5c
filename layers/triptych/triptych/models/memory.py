"""The models that are open, within the memory of this process."""

from __future__ import annotations

import re
import resource
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import NamedTuple

from triptych.errors import ModelUnavailable
from triptych.models.config import SessionSettings
from triptych.models.model import Model
from triptych.models.repository import Candidate
from triptych.models.storage import NoRoom, StoredVersion

_STATUS = Path("/proc/self/status")
_KILOBYTES = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)

RESERVE = 100 << 20
"""Bytes of the function's memory left to mapped libraries and to the process that decodes Parquet."""


def anonymous_memory() -> int:
    """Returns the bytes that this process holds in memory of its own, mapped files left out.

    Where the system does not say (outside Linux), the most that it ever held.
    """
    if not _STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _status().get("RssAnon", 0)


def peak_memory() -> int:
    """Returns the bytes that this process had in memory at most.

    `ru_maxrss` would begin with what the process that started it had; it stands in outside Linux.
    """
    if not _STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _status()["VmHWM"]


def bound_memory(size: int) -> None:
    """Makes allocations fail where they would take more memory than there is.

    Without it the system ends the process: the caller learns nothing, and the environment is lost.
    Where the system does not say what is used (outside Linux), nothing is bounded.

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


SESSION_BYTES = 8 << 20
"""What any open session takes: its graph, its arena, its share of the runtime."""
COPIED = 1.5
"""Memory per byte of weights that are read in: 1.2 measured when opened mapped, 1.45 prepacked."""
MAPPED = 0.15
"""Memory per byte of weights mapped from their own file: their pages stay the kernel's to take back."""


class MemoryBudget(NamedTuple):
    """What open models may need.

    Attributes:
        size: Bytes that all open models together may need.
        used: Returns the bytes of anonymous memory that this process has now.
    """

    size: int
    used: Callable[[], int] = anonymous_memory


class OpenModel(NamedTuple):
    """A model that is open.

    Attributes:
        model: The model.
        candidate: What it was loaded from.
        memory: Bytes of memory it counts for.
    """

    model: Model
    candidate: Candidate
    memory: int


class OpenModels:
    """Keeps models open within a memory budget; the least recently used are closed first.

    Models are opened and used by threads at the same time. Nothing else may hold on to a model for longer
    than a request: closing means forgetting.

    Args:
        budget: Bytes that all open models together may need.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._lock = RLock()
        self._open: OrderedDict[tuple[str, int], OpenModel] = OrderedDict()

    @property
    def memory(self) -> int:
        """Bytes that the open models need."""
        with self._lock:
            return sum(opened.memory for opened in self._open.values())

    def use(self, name: str, version: int) -> Model | None:
        """Returns the version if it is open, whatever content it was loaded from, and notes the use."""
        key = (name, version)
        with self._lock:
            opened = self._open.get(key)
            if opened is None:
                return None
            self._open.move_to_end(key)
            return opened.model

    def find(self, candidate: Candidate) -> Model | None:
        """Returns the model if it is open and unchanged since, and notes the use."""
        return self.use(*candidate.key) if self.holds(candidate) else None

    def holds(self, candidate: Candidate) -> bool:
        """Returns whether exactly this candidate is open: the version, unchanged since."""
        opened = self._open.get(candidate.key)
        return opened is not None and opened.candidate.fingerprint == candidate.fingerprint

    def add(self, opened: OpenModel, *, tentative: bool) -> None:
        """Keeps a model open; closes others, or a tentative one itself, where it needs more than was thought.

        Args:
            opened: The model.
            tentative: Whether nobody asked for it: it is the first to be closed.
        """
        key = opened.candidate.key
        with self._lock:
            self._open[key] = opened
            self._open.move_to_end(key, last=not tentative)
            while self.memory > self._budget and len(self._open) > 1:
                self.close_least_recent()

    def close(self, candidate: Candidate) -> None:
        """Closes the version, whatever content it was loaded from, if it is open."""
        opened = self._open.pop(candidate.key, None)
        if opened is not None:
            opened.candidate.storage.release(opened.candidate.stored)

    def close_least_recent(self) -> bool:
        """Closes the least recently used model; returns whether there was one."""
        with self._lock:
            if not self._open:
                return False
            self.close(next(iter(self._open.values())).candidate)
            return True

    def check(self, memory: int) -> None:
        """Checks that a model can be opened at all.

        Raises:
            ModelUnavailable: It needs more than the whole budget.
        """
        if memory > self._budget:
            raise ModelUnavailable(
                f"needs about {memory >> 20} MB of memory, and {self._budget >> 20} MB are there for models; "
                "raise the function's MemorySize, or keep the weights in a file of their own"
            )

    def make_room(self, memory: int, *, tentative: bool) -> None:
        """Makes room for a model, at most all there is.

        Args:
            memory: Bytes it needs.
            tentative: Whether nobody asked for it: then no other is closed for it.

        Raises:
            NoRoom: It does not fit beside the others, and is tentative.
        """
        with self._lock:
            while self._open and self.memory + memory > self._budget:
                if tentative:
                    raise NoRoom("no memory is left beside the models in use")
                self.close_least_recent()


def estimated_memory(stored: StoredVersion, settings: SessionSettings) -> int:
    """Estimates the bytes of memory that an open version needs.

    Weights inside the graph are always read in; those in files of their own stay on disk when they
    are mapped. Tree ensembles grow far beyond their file when opened (twelvefold, measured), which
    only measuring after opening shows.
    """
    external = stored.size - stored.graph_size
    rate = MAPPED if settings.weights == "mapped" else COPIED
    return SESSION_BYTES + int(stored.graph_size * COPIED + external * rate)
