"""Stops runs of a model when their time is up.

`RunOptions.terminate` is the only way to stop a run. One thread watches all runs: starting a
timer for each would cost several times what a small model takes, a shared one costs a dictionary entry.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import onnxruntime

from triptych.interfaces.deadline import Deadline

_INTERVAL = 0.05  # seconds; a run may overstay its deadline by this much


class Watchdog:
    """Watches the runs that are going on."""

    def __init__(self) -> None:
        self._runs: dict[int, tuple[onnxruntime.RunOptions, Deadline]] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def guard(self, deadline: Deadline) -> Generator[onnxruntime.RunOptions]:
        """Gives the options for one run, which ends the run when the deadline passes."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="onnx-watchdog", daemon=True)
            self._thread.start()
        options = onnxruntime.RunOptions()
        options.log_severity_level = 4
        self._runs[id(options)] = (options, deadline)
        try:
            yield options
        finally:
            del self._runs[id(options)]

    def _watch(self) -> None:
        while True:
            time.sleep(_INTERVAL)
            for options, deadline in tuple(self._runs.values()):
                if deadline.remaining <= 0:
                    options.terminate = True
