"""What a caller may choose about a job."""

from __future__ import annotations

from typing import Any

import pytest
from triptych.errors import BadRequest
from triptych.jobs.submission import OptionLimits, Options, options

LIMITS = OptionLimits(time_to_live=3600, longest=7200)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, Options(3600)),
        ({"time_to_live": None, "delay": None, "target": None}, Options(3600)),
        ({"time_to_live": "60", "delay": "0"}, Options(60)),
        ({"time_to_live": 7200, "delay": 900}, Options(7200, 900)),
        ({"time_to_live": 901, "delay": "900"}, Options(901, 900)),
        ({"target": "a"}, Options(3600, 0, "a")),
        ({"target": "Nightly_run-2.b" + "x" * 49}, Options(3600, 0, "Nightly_run-2.b" + "x" * 49)),
    ],
)
def test_options(chosen: dict[str, object], expected: Options) -> None:
    """Options are whole seconds, as text or as numbers, and a word; none of them is needed."""
    assert expected == options(chosen, LIMITS)


@pytest.mark.parametrize(
    "value", ["", "59", "7201", "1e3", " 60", "60.0", "-60", "٦٠", 59, 7201, 60.5, True, [], {}]
)
def test_no_time_to_live(value: Any) -> None:  # noqa: ANN401 - any JSON
    """A time to live that cannot be is refused, with what it can be."""
    with pytest.raises(BadRequest, match=r"^time_to_live: expected whole seconds from 60 to 7200, got "):
        options({"time_to_live": value}, LIMITS)


@pytest.mark.parametrize("value", ["901", -1, "x", "9" * 5000, 10**30])
def test_no_delay(value: Any) -> None:  # noqa: ANN401 - any JSON
    """A delay that the queue cannot keep is refused; the message quotes little of it."""
    with pytest.raises(BadRequest, match=r"^delay: expected whole seconds from 0 to 900, got ") as refused:
        options({"delay": value}, LIMITS)
    assert 100 > len(str(refused.value))


def test_delay_beyond_the_time_to_live() -> None:
    """A job is not held back until it has expired."""
    with pytest.raises(BadRequest, match="the job would expire"):
        options({"time_to_live": 600, "delay": 600}, LIMITS)


@pytest.mark.parametrize("value", ["", "a b", "x" * 65, "ü", "a\n", 5, ["a"], True])
def test_no_target(value: Any) -> None:  # noqa: ANN401 - any JSON
    """A label that a filter could not name is refused."""
    with pytest.raises(BadRequest, match=r"^target: expected 1 to 64 letters"):
        options({"target": value}, LIMITS)
