"""Results of calls in the order of their arguments, the next ones while one is dealt with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice


def ahead[A, R](function: Callable[[A], R], arguments: Iterable[A], threads: int) -> Iterator[R]:
    """Calls a function for each argument in threads.

    Never more results than threads wait to be taken, so memory is bounded whatever the number of arguments.

    Args:
        function: What is called.
        arguments: Taken one by one, as threads become free.
        threads: How many calls are made at once.

    Yields:
        What the calls return, in order; the first error ends it, and what was not begun is not called.
    """
    left = iter(arguments)
    pool = ThreadPoolExecutor(threads)
    try:
        begun = deque(pool.submit(function, argument) for argument in islice(left, threads))
        while begun:
            result = begun.popleft().result()
            begun.extend(pool.submit(function, argument) for argument in islice(left, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)
