"""Copies of model versions on the local disk."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from triptych.errors import ModelUnavailable
from triptych.models.storage import NoRoom

RESERVE = 64 << 20
"""Bytes left free: the function and its libraries write temporary files beside the models."""
PARTIAL = ".partial-"


def free_bytes(directory: Path) -> int:
    """Returns the bytes that are free on the disk of a directory."""
    return shutil.disk_usage(directory).free


class ModelCache:
    """Keeps versions on the local disk; the least recently fetched go first when room is needed.

    A version appears under its key complete or not at all. Several processes and threads may share the
    directory: they take turns in changing it. A file that another process has mapped outlives its deletion.

    Args:
        directory: Where the copies lie; is made when first needed.
        free: Returns the free bytes on the disk of a directory.
    """

    def __init__(self, directory: Path, free: Callable[[Path], int] = free_bytes) -> None:
        self._directory = directory
        self._free = free
        self._in_use: Counter[str] = Counter()
        self._counting = Lock()

    def fetch(self, key: str, size: int, fill: Callable[[Path], None]) -> Path:
        """Returns the copy under a key, making it first if it is not there; it stays until released.

        Args:
            key: Name of the copy: one path component, another one for other content.
            size: Bytes it needs.
            fill: Writes the content into an empty directory.

        Raises:
            NoRoom: It fits only when copies in use have been released.
            ModelUnavailable: It can never fit, or cannot be written.
        """
        copy = self._directory / key
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                if not copy.is_dir():
                    self._make_room(size)
                    self._make(copy, fill)
                os.utime(copy, ns=(now := time.time_ns(), now))  # the kernel's own clock ticks too slowly
                self._count(key, 1)
        except OSError as error:
            raise ModelUnavailable(f"cannot be written to the local disk: {error.strerror}") from error
        return copy

    def release(self, key: str) -> None:
        """Ends one `fetch` of the copy under a key."""
        self._count(key, -1)

    def _count(self, key: str, change: int) -> None:
        with self._counting:
            self._in_use[key] += change

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Waits until no other process changes the directory; a crash ends its turn."""
        with (self._directory / ".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make(self, copy: Path, fill: Callable[[Path], None]) -> None:
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self._directory))
        try:
            fill(partial)
            partial.rename(copy)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _make_room(self, size: int) -> None:
        for partial in self._directory.glob(PARTIAL + "*"):
            shutil.rmtree(partial)  # left by a crash: nobody writes now
        copies = self._copies()
        sizes = {copy: _size(copy) for copy in copies}
        most = self._free(self._directory) + sum(sizes.values()) - RESERVE
        if size > most:
            raise ModelUnavailable(
                f"needs {_megabytes(size)} MB on the local disk, which has room for {_megabytes(most)} MB; "
                "raise the function's EphemeralStorage"
            )
        idle = [copy for copy in copies if not self._in_use[copy.name]]
        while self._free(self._directory) - RESERVE < size:
            if not idle:
                raise NoRoom("no room is left on the local disk beside the models in use")
            shutil.rmtree(idle.pop(0))

    def _copies(self) -> list[Path]:
        """Lists the copies, the least recently fetched first."""
        copies = [path for path in self._directory.iterdir() if path.is_dir()]
        return sorted(copies, key=lambda copy: copy.stat().st_mtime_ns)


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _megabytes(size: int) -> str:
    return f"{max(size, 0) / (1 << 20):.1f}"
