"""Work that may take longer than the request that begins it: the next request joins it.

Lambda stops all threads of a function between two requests; they go on with the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait

from triptych.interfaces.deadline import Deadline


class Background[T]:
    """Does work in threads, each piece once at a time."""

    def __init__(self) -> None:
        self._running: dict[Hashable, Future[T]] = {}

    @property
    def is_busy(self) -> bool:
        """Whether any work is going on."""
        return bool(self._running)

    def result(self, key: Hashable, work: Callable[[], T], deadline: Deadline) -> T:
        """Gives the result of some work, begun now or by an earlier call.

        Args:
            key: What the work is for.
            work: What to do; not called where the work for this key is going on.
            deadline: How long to wait; the work goes on afterwards.

        Raises:
            TimeoutError: There is no result yet.
            Exception: Whatever the work raises.
        """
        future = self._running.get(key)
        if future is None:
            future = self._running[key] = Future()
            arguments = (key, work, future)
            threading.Thread(target=self._run, args=arguments, name=f"load {key}", daemon=True).start()
        if wait([future], max(0.0, deadline.remaining)).not_done:
            raise TimeoutError
        return future.result()

    def _run(self, key: Hashable, work: Callable[[], T], future: Future[T]) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            del self._running[key]
            future.set_exception(error)
        else:
            del self._running[key]
            future.set_result(result)
