"""Stops what runs for longer than it may."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from triptych.clock import Deadline

_INTERVAL = 0.05  # seconds; a run may overstay its deadline by this much


class Watchdog:
    """Stops runs whose time is up.

    One thread watches all runs: starting a timer for each would cost several times what a small model takes,
    a shared one costs a dictionary entry.
    """

    def __init__(self) -> None:
        self._runs: dict[object, tuple[Deadline, Callable[[], None]]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def guard(self, deadline: Deadline, stop: Callable[[], None]) -> Generator[None]:
        """Guards one run.

        Args:
            deadline: When it must have ended.
            stop: Stops it; is called once when the deadline passes, and never after the block has ended.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()
        run = object()
        self._runs[run] = (deadline, stop)
        try:
            yield
        finally:
            with self._lock:
                self._runs.pop(run, None)

    def _watch(self) -> None:
        while True:
            time.sleep(_INTERVAL)
            for run, (deadline, stop) in tuple(self._runs.items()):
                if deadline.remaining <= 0:
                    with self._lock:
                        if self._runs.pop(run, None):
                            stop()


WATCHDOG = Watchdog()
