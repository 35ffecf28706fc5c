"""The pace of writes."""

from triptych.adapters.batch_writes import Pacer

from tests.unit.fakes.clock import Clock


def test_even_pace() -> None:
    """The first writes are at once; each waits as long as those before it take at the pace."""
    clock = Clock()
    pacer = Pacer(50, clock.advance, clock)
    begun = []
    for count in (25, 10, 5):
        pacer.wait(count)
        begun.append(clock.now - 1000)
    assert [0.0, 0.5, 0.7] == [round(seconds, 9) for seconds in begun]


def test_rest_is_not_made_up_for() -> None:
    """After a pause, writes go at the pace, not in a burst."""
    clock = Clock()
    pacer = Pacer(50, clock.advance, clock)
    clock.advance(100)
    pacer.wait(25)
    pacer.wait(25)
    assert clock.now == 1100.5
