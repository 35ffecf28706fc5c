"""Results in order, the next ones while one is dealt with."""

from collections.abc import Iterator
from threading import Barrier

import pytest
from triptych.aws.objects import ahead


def test_in_order_and_at_once() -> None:
    """Calls are made at once, as many as there are threads; their results come in order."""
    barrier = Barrier(3, timeout=5)

    def call(number: int) -> int:
        barrier.wait()
        return number

    assert list(range(9)) == list(ahead(call, range(9), 3))


def test_no_more_than_threads_wait() -> None:
    """Arguments are taken as results are, and one who stops taking stops the rest."""
    taken: list[int] = []

    def arguments() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = ahead(abs, arguments(), 3)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert [0, 1, 2, 3] == taken


def test_errors() -> None:
    """An error comes in the place of its result."""
    results = ahead(lambda number: 1 // number, [1, 0, 1], 2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
